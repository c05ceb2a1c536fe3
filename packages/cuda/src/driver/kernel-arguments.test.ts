import { expect, test } from "vitest";

import type { DeviceAddress } from "./address.js";
import { ArgumentBlock, parameterBytes } from "./kernel-arguments.js";

const ADDRESS = (2 ** 52 + 123) as DeviceAddress;

/** Returns the bytes that a block's table points to, relative to the first. */
function offsets(table: BigUint64Array): number[] {
  return [...table].slice(0, -1).map((address) => Number(address - (table[0] ?? 0n)));
}

test("each argument has a slot of its own, aligned as its type needs", () => {
  const block = new ArgumentBlock("k", ["i32", "f64", { bytes: 128 }, "u32", { bytes: 4 }]);
  expect(offsets(block.table)).toEqual([0, 8, 64, 192, 256]);
  for (const i of [0, 2, 4]) expect(Number((block.table[i] ?? 1n) % 64n)).toBe(0);
  expect(parameterBytes({ bytes: 128 })).toBe(128);
  expect(parameterBytes("address")).toBe(8);
});

test("values at the ends of each type are taken", () => {
  const block = new ArgumentBlock("k", ["address", "i32", "u32", "i64", "u64", "f32", "f64"]);
  block.fill([ADDRESS, -(2 ** 31), 2 ** 32 - 1, -(2n ** 63n), 2n ** 64n - 1n, NaN, Infinity]);
  block.fill([null, 2 ** 31 - 1, 0, 2n ** 63n - 1n, 0, 1e39, -0]);
});

test.each([
  ["address", -1],
  ["address", 2 ** 53],
  ["address", 0.5],
  ["i32", 2 ** 31],
  ["i32", 0.5],
  ["i32", NaN],
  ["u32", -1],
  ["u32", 2 ** 32],
  ["i64", 2n ** 63n],
  ["i64", 0.5],
  ["u64", -1n],
  ["u64", 2 ** 53],
  ["f32", 1n],
  ["f64", null],
] as const)("%s refuses %s", (parameter, value) => {
  const block = new ArgumentBlock("k", [parameter]);
  expect(() => block.fill([value as never])).toThrow(
    `kernel k: argument 0 is not of type ${parameter}`,
  );
});

test("a structure of another size, or another number of arguments, is refused", () => {
  const block = new ArgumentBlock("k", [{ bytes: 8 }, "i32"]);
  expect(() => block.fill([new Uint8Array(7), 1])).toThrow("argument 0 is not of type 8 bytes");
  expect(() => block.fill([new Uint8Array(8)] as never)).toThrow(
    "kernel k: takes 2 arguments, and was launched with 1",
  );
});
