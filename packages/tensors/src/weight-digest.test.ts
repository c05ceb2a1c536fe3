import { createHash } from "node:crypto";

import { expect, test } from "vitest";
import { PARAMETER_BLOCK } from "@gumshoe/protocol";

import { blockDigests, weightDigest } from "./weight-digest.js";

const values = Float32Array.from({ length: 2 * PARAMETER_BLOCK + 5 }, (_, i) => i / 7);

test("the digest does not depend on how the vector is divided into ranges of blocks", () => {
  const whole = blockDigests(values);
  const parts = [
    ...blockDigests(values.subarray(0, PARAMETER_BLOCK)),
    ...blockDigests(values.subarray(PARAMETER_BLOCK)),
  ];
  expect(whole).toHaveLength(3);
  expect(parts).toEqual(whole);
  expect(weightDigest(parts)).toBe(weightDigest(whole));
});

test("the digest is the SHA-256 of the blocks' hashes, and changes with one bit", () => {
  const block = new Uint8Array(values.buffer, 2 * PARAMETER_BLOCK * 4, 20);
  const inner = createHash("sha256").update(block).digest();
  expect(weightDigest(blockDigests(values.subarray(2 * PARAMETER_BLOCK)))).toBe(
    createHash("sha256").update(inner).digest("hex"),
  );
  const changed = values.slice();
  changed[70_000] = -(changed[70_000] as number);
  expect(weightDigest(blockDigests(changed))).not.toBe(weightDigest(blockDigests(values)));
});

test("an invalid hash is refused", () => {
  expect(() => weightDigest(["abc"])).toThrow("abc is not a SHA-256 in hex");
});
