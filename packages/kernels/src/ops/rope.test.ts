import { Rng } from "@gumshoe/core";
import { describe, expect, test } from "vitest";

import { everywhere, expectClose, integers, normals, onDevice } from "../conformance/rig.js";
import { OutOfRangeIdError } from "../errors.js";
import { ropeTable } from "../rope-table.js";
import { rope } from "./rope.js";

const SHAPES = [
  { rows: 1, heads: 1, headDim: 2 },
  { rows: 33, heads: 3, headDim: 32 },
  { rows: 70, heads: 2, headDim: 70 },
];
const NUM_POSITIONS = 500;

describe.each(SHAPES)("$rows rows of $heads heads of width $headDim, seed 8", (shape) => {
  const { rows, heads, headDim } = shape;
  const rng = new Rng(8, rows, heads, headDim);
  const x = normals(rng, rows * heads * headDim);
  const positions = integers(rng, rows, NUM_POSITIONS);
  const table = ropeTable({ theta: 1e4, headDim, numPositions: NUM_POSITIONS, scaling: null });

  test("halves of heads are rotated by their position's angles, and back", () => {
    const [turned, back] = everywhere((rig) => {
      const [y, p] = [rig.put(x), rig.put(positions)];
      const common = { x: y, positions: p, cos: rig.put(table.cos), sin: rig.put(table.sin) };
      rig.run((list) => rope(list, { ...common, ...shape, inverse: false }));
      const turned = rig.get(y);
      rig.run((list) => rope(list, { ...common, ...shape, inverse: true }));
      return [turned, rig.get(y)];
    }) as [Float32Array, Float32Array];
    const half = headDim / 2;
    const want = Float64Array.from(x, (value, index) => {
      const d = index % headDim;
      const position = positions[Math.floor(index / (heads * headDim))]!;
      const angle = position * 1e4 ** ((-2 * (d % half)) / headDim);
      const other = d < half ? -x[index + half]! : x[index - half]!;
      return value * Math.cos(angle) + other * Math.sin(angle);
    });
    expectClose(turned, want, 1e-6);
    expectClose(back, Float64Array.from(x), 1e-6);
  });

  test("a position beyond the table is refused", () => {
    onDevice({}, (rig) => {
      const common = { x: rig.put(x), cos: rig.put(table.cos), sin: rig.put(table.sin) };
      for (const bad of [NUM_POSITIONS, -1]) {
        const wrong = rig.put(positions.slice().fill(bad, rows - 1));
        expect(() =>
          rig.run((list) => rope(list, { ...common, positions: wrong, ...shape, inverse: false })),
        ).toThrow(OutOfRangeIdError);
      }
    });
  });
});
