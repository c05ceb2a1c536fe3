import { expect, test } from "vitest";
import { canonicalJson, hashJson, sha256 } from "./hash.js";

test("sha256 matches the published digests of text and bytes", () => {
  const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  expect(sha256("abc")).toBe(digest);
  expect(sha256(Uint8Array.of(97, 98, 99))).toBe(digest);
});

test("the order of keys does not affect the hash, at any depth", () => {
  const left = { b: [{ y: 1, x: null }], a: "text" };
  const right = { a: "text", b: [{ x: null, y: 1 }] };
  expect(canonicalJson(left)).toBe('{"a":"text","b":[{"x":null,"y":1}]}');
  expect(hashJson(left)).toBe(hashJson(right));
});

test("the order of a list, and every value, affects the hash", () => {
  const hashes = [[1, 2], [2, 1], [1, "2"], { 0: 1, 1: 2 }, null].map(hashJson);
  expect(new Set(hashes).size).toBe(5);
});

test("an undefined field hashes like an absent one", () => {
  expect(hashJson({ a: 1, b: undefined })).toBe(hashJson({ a: 1 }));
});
