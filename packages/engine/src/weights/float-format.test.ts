import { expect, test } from "vitest";

import { decodeFloats } from "./float-format.js";

function decodeWords(words: number[], format: "F16" | "BF16"): number[] {
  return [...decodeFloats(new Uint8Array(Uint16Array.from(words).buffer), format)];
}

test("halves are widened exactly, denormals, infinities and signs included", () => {
  const words = [0x3c00, 0xc000, 0x3555, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x8001, 0x0000];
  const values = [1, -2, 1365 / 4096, 65504, 2 ** -14, 1023 * 2 ** -24, 2 ** -24, -(2 ** -24), 0];
  expect(decodeWords(words, "F16")).toEqual(values);
  expect(decodeWords([0x7c00, 0xfc00, 0x7e00], "F16")).toEqual([Infinity, -Infinity, NaN]);
  expect(Object.is(decodeWords([0x8000], "F16")[0], -0)).toBe(true);
});

test("a half keeps its value through every bit pattern that is a number", () => {
  for (let bits = 0; bits < 0x7c00; bits++) {
    const exponent = bits >>> 10;
    const fraction = bits & 0x3ff;
    const value =
      exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    if (decodeWords([bits], "F16")[0] !== value)
      expect(decodeWords([bits], "F16")).toEqual([value]);
  }
});

test("a bfloat16 is the upper half of a float32", () => {
  expect(decodeWords([0x3f80, 0xc049, 0x7f80], "BF16")).toEqual([1, -3.140625, Infinity]);
});

test("floats at an odd address are read as well", () => {
  const bytes = new Uint8Array(9);
  bytes.set(new Uint8Array(Float32Array.from([1.5, -2]).buffer), 1);
  expect([...decodeFloats(bytes.subarray(1), "F32")]).toEqual([1.5, -2]);
});
