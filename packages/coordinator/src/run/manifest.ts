import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/** Name of the file that says what a checkpoint holds; written last. */
export const MANIFEST = "manifest.json";
/** Name of the file with the optimizer's moments. */
export const OPTIMIZER = "optimizer.safetensors";

/** What a checkpoint holds. */
export interface Manifest {
  readonly iteration: number;
  readonly update: number;
  readonly digest: string;
  readonly configHash: string;
  /** Sizes in bytes. */
  readonly files: Readonly<Record<string, number>>;
  /** SHA-256 of the optimizer's file. The weights have their own digest, checked when they are read. */
  readonly optimizer: string;
  /** SHA-256 of every file's bytes, for those who download it; absent in older checkpoints. */
  readonly sha256?: Readonly<Record<string, string>>;
}

/** Reads a checkpoint's manifest, also as the bytes that it is. */
export async function readManifest(folder: string): Promise<{ manifest: Manifest; bytes: Buffer }> {
  const bytes = await readFile(join(folder, MANIFEST));
  return { manifest: JSON.parse(bytes.toString("utf8")) as Manifest, bytes };
}

/** Computes the SHA-256 of a file's bytes. */
export async function fileDigest(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
