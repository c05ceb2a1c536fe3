import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { errorMessage } from "@gumshoe/core";
import { EARLIER_MOMENTS_FILE, MOMENTS_FILE } from "@gumshoe/protocol";
import { z } from "zod";

import { CorruptRecordError } from "../errors.js";

/** Name of the file that describes a checkpoint's files; written last. */
export const MANIFEST = "manifest.json";

const fileName = z.string().regex(/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/, "must be a file name");
const digest = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256");

/** The description of a checkpoint's files. */
export const Manifest = z.object({
  iteration: z.int().min(0),
  update: z.int().min(0),
  digest: z.string(),
  configHash: z.string(),
  /** Sizes in bytes. */
  files: z.record(fileName, z.int().min(0)),
  /**
   * SHA-256 of the optimizer's file. The weights have their own digest, verified when they are
   * loaded.
   */
  optimizer: z.string(),
  /** SHA-256 of each file, verified by downloads; absent in older checkpoints. */
  sha256: z.record(fileName, digest).optional(),
});
/** The description of a checkpoint's files. */
export type Manifest = z.infer<typeof Manifest>;

/**
 * Reads a checkpoint's manifest, parsed and as raw bytes; null when the checkpoint no longer
 * exists.
 *
 * @throws CorruptRecordError when the manifest is damaged
 */
export async function readManifest(
  folder: string,
): Promise<{ manifest: Manifest; bytes: Buffer } | null> {
  const file = join(folder, MANIFEST);
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const isGone = (cause as NodeJS.ErrnoException).code === "ENOENT" && !existsSync(folder);
    if (isGone) return null;
    throw new CorruptRecordError(file, `cannot be read: ${errorMessage(cause)}`, cause);
  }
  return { manifest: parseManifest(file, bytes), bytes };
}

function parseManifest(file: string, bytes: Buffer): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new CorruptRecordError(file, "is not JSON", cause);
  }
  const parsed = Manifest.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.join(".") ?? "";
  throw new CorruptRecordError(file, `${place === "" ? "it" : place}: ${issue?.message ?? ""}`);
}

/** Returns the name of the file with the optimizer's moments. */
export function momentsFile({ files }: Manifest): string {
  return EARLIER_MOMENTS_FILE in files ? EARLIER_MOMENTS_FILE : MOMENTS_FILE;
}
