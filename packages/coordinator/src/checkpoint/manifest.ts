import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { errorMessage } from "@gumshoe/core";
import { EARLIER_MOMENTS_FILE, MOMENTS_FILE } from "@gumshoe/protocol";
import { z } from "zod";

import { CorruptRecordError } from "../errors.js";

/** Name of the file that says what a checkpoint holds; written last. */
export const MANIFEST = "manifest.json";

const fileName = z.string().regex(/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/, "must be a file name");
const digest = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256");

/** What a checkpoint holds. */
export const Manifest = z.object({
  iteration: z.int().min(0),
  update: z.int().min(0),
  digest: z.string(),
  configHash: z.string(),
  /** Sizes in bytes. */
  files: z.record(fileName, z.int().min(0)),
  /** SHA-256 of the optimizer's file. The weights have their own digest, checked when they are read. */
  optimizer: z.string(),
  /** SHA-256 of every file's bytes, checked by a download; absent in older checkpoints. */
  sha256: z.record(fileName, digest).optional(),
});
/** What a checkpoint holds. */
export type Manifest = z.infer<typeof Manifest>;

/**
 * Reads a checkpoint's manifest, also as the bytes that it is; null where the checkpoint is gone.
 *
 * @throws CorruptRecordError when it is not what was written
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

/** Names the file with the optimizer's moments among those of a checkpoint. */
export function momentsFile({ files }: Manifest): string {
  return EARLIER_MOMENTS_FILE in files ? EARLIER_MOMENTS_FILE : MOMENTS_FILE;
}
