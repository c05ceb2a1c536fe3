import { describe, expect, test } from "vitest";

import { ShapeError } from "./errors.js";
import { ropeTable } from "./rope-table.js";

/** Largest distance from `Math.cos` and `Math.sin` of angles computed with `Math.pow`. */
function worst(
  table: { cos: Float32Array; sin: Float32Array },
  frequencies: readonly number[],
): number {
  let most = 0;
  for (const [index, cos] of table.cos.entries()) {
    const angle = Math.floor(index / frequencies.length) * frequencies[index % frequencies.length]!;
    const error = Math.hypot(cos - Math.cos(angle), table.sin[index]! - Math.sin(angle));
    most = Math.max(most, error);
  }
  return most;
}
const plain = (theta: number, headDim: number) =>
  Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));

describe("the rotary table", () => {
  test.each([
    [1e4, 64, 32768],
    [1e6, 128, 4096],
    [500_000, 6, 1000],
    [1, 4, 10],
  ])("of theta %d, width %i, %i positions agrees with Math.cos and Math.sin", (...args) => {
    const [theta, headDim, numPositions] = args;
    const table = ropeTable({ theta, headDim, numPositions, scaling: null });
    expect(worst(table, plain(theta, headDim))).toBeLessThan(1e-7);
  });

  test("with linear scaling has angles of positions divided by the factor", () => {
    const scaling = { type: "linear", factor: 4 } as const;
    const table = ropeTable({ theta: 1e4, headDim: 32, numPositions: 5000, scaling });
    const frequencies = plain(1e4, 32).map((frequency) => frequency / 4);
    expect(worst(table, frequencies)).toBeLessThan(1e-7);
  });

  test("with llama3 scaling keeps fast angles, slows slow ones, and blends between", () => {
    const scaling = {
      type: "llama3",
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalMaxPositions: 8192,
    } as const;
    const table = ropeTable({ theta: 5e5, headDim: 128, numPositions: 1000, scaling });
    const kinds = new Set<string>();
    const frequencies = plain(5e5, 128).map((frequency) => {
      const turns = (8192 * frequency) / (2 * Math.PI);
      const keep = Math.min(1, Math.max(0, (turns - 1) / 3));
      kinds.add(keep === 1 ? "kept" : keep === 0 ? "slowed" : "blended");
      return frequency * (keep + (1 - keep) / 8);
    });
    expect(kinds.size).toBe(3);
    expect(worst(table, frequencies)).toBeLessThan(1e-7);
  });

  test("needs an even width", () => {
    expect(() => ropeTable({ theta: 1e4, headDim: 3, numPositions: 1, scaling: null })).toThrow(
      ShapeError,
    );
  });
});
