import { describe, expect, test } from "vitest";

import { decodeFloats, encodeFloats } from "./float-format.js";

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

test("every finite half is widened to its exact value", () => {
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

test("floats at an unaligned address are read correctly", () => {
  const bytes = new Uint8Array(9);
  bytes.set(new Uint8Array(Float32Array.from([1.5, -2]).buffer), 1);
  expect([...decodeFloats(bytes.subarray(1), "F32")]).toEqual([1.5, -2]);
});

describe.each(["F16", "BF16"] as const)("values stored as %s", (format) => {
  const bound = format === "F16" ? 0x7c00 : 0x7f80;
  const every = decodeFloats(
    new Uint8Array(Uint16Array.from({ length: bound }, (_, bits) => bits).buffer),
    format,
  );
  const encode = (values: Float32Array) => new Uint16Array(encodeFloats(values, format).buffer);

  test("have the same bits when read again", () => {
    const bits = encode(every);
    expect(bits.findIndex((word, i) => word !== i)).toBe(-1);
    const negative = encode(every.map((value) => -value));
    expect(negative.findIndex((word, i) => word !== (i | 0x8000))).toBe(-1);
  });

  test("are rounded to nearest, ties to even", () => {
    for (let i = 0; i + 1 < bound; i++) {
      const [low, high] = [every[i] as number, every[i + 1] as number];
      // Exact in float32: both have at least 13 fewer bits.
      const middle = (low + high) / 2;
      if (Math.fround(middle) !== middle) continue;
      const step = 2 ** -20 * (high - low);
      const near = Float32Array.of(middle - step, middle, middle + step);
      // If float32 is too coarse for a step, only the midpoint is checked.
      const want = [i, i + (i % 2), i + 1];
      const got = encode(near);
      for (let at = 0; at < 3; at++) {
        if (at !== 1 && near[at] === middle) continue;
        if (got[at] !== want[at]) expect([i, at, got[at]]).toEqual([i, at, want[at]]);
      }
    }
  });

  test("that are too large for the format are an error; infinities and NaN are kept", () => {
    expect([...encode(Float32Array.of(Infinity, -Infinity))]).toEqual([bound, bound | 0x8000]);
    expect(Number(encode(Float32Array.of(NaN))[0]) & 0x7fff).toBeGreaterThan(bound);
    expect(() => encode(Float32Array.of(1, -3.4e38))).toThrow(
      /a weight of -3\.\d+e\+38 cannot be stored as b?float16/,
    );
  });
});
