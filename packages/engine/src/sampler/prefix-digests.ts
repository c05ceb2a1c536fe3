import { createHash } from "node:crypto";

import { KV_BLOCK } from "@gumshoe/kernels";

/**
 * Computes digests of the beginnings of a prompt, one for each whole block of the KV cache. Keys and values of a block
 * depend on its tokens and all before them, and so does its digest.
 *
 * The last token is in none: a prompt is read from there at least, because its output predicts the first token of an answer.
 */
export function prefixDigests(promptIds: Int32Array): string[] {
  const numBlocks = Math.floor((promptIds.length - 1) / KV_BLOCK);
  let digest = "";
  return Array.from({ length: numBlocks }, (_, i) => {
    const tokens = promptIds.subarray(i * KV_BLOCK, (i + 1) * KV_BLOCK);
    digest = createHash("sha256").update(digest).update(tokens).digest("base64");
    return digest;
  });
}
