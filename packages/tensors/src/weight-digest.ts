import { createHash } from "node:crypto";

import { MalformedMessageError, PARAMETER_BLOCK } from "@gumshoe/protocol";

/**
 * Computes the digest of a weight version from its blocks' digests. It does not depend on how the vector was
 * divided among reducers.
 *
 * @param blockDigests  SHA-256 of each block of the whole flat vector, in order, 64 hex digits each
 * @returns             SHA-256 of the concatenated 32-byte hashes, 64 hex digits
 */
export function weightDigest(blockDigests: readonly string[]): string {
  const hash = createHash("sha256");
  for (const digest of blockDigests) {
    if (!/^[0-9a-f]{64}$/.test(digest)) {
      throw new MalformedMessageError(`${digest} is not a SHA-256 in hex`);
    }
    hash.update(digest, "hex");
  }
  return hash.digest("hex");
}

/**
 * Hashes the blocks of a flat vector, or of a range of it that starts at a block's first element.
 *
 * @param values  [elements] f32, in parameter order
 * @returns       SHA-256 of each block's little-endian bytes, in order; the last one may be shorter
 */
export function blockDigests(values: Float32Array): string[] {
  return blockDigestsOf(values.length, (start, end) => values.subarray(start, end));
}

/**
 * Hashes the blocks of a vector that is read a block at a time.
 *
 * @param read  returns elements [start, end), valid until the next call
 */
export function blockDigestsOf(
  length: number,
  read: (start: number, end: number) => Float32Array,
): string[] {
  const digests: string[] = [];
  for (let start = 0; start < length; start += PARAMETER_BLOCK) {
    const block = read(start, Math.min(length, start + PARAMETER_BLOCK));
    const bytes = new Uint8Array(block.buffer, block.byteOffset, block.byteLength);
    digests.push(createHash("sha256").update(bytes).digest("hex"));
  }
  return digests;
}

/** Elements that are read at a time: whole blocks, some milliseconds of hashing. */
const READ_AT_ONCE = 16 * PARAMETER_BLOCK;

/**
 * Computes the digest of weights that are read in pieces, yielding to the event loop between them.
 *
 * @param read  returns elements [start, end)
 */
export async function weightDigestOf(
  length: number,
  read: (start: number, end: number) => Promise<Float32Array>,
): Promise<string> {
  const digests: string[] = [];
  for (let start = 0; start < length; start += READ_AT_ONCE) {
    digests.push(...blockDigests(await read(start, Math.min(length, start + READ_AT_ONCE))));
  }
  return weightDigest(digests);
}
