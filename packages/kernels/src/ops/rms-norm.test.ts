import { Rng } from "@gumshoe/core";
import { describe, expect, test } from "vitest";

import { everywhere, expectClose, expectSameBits, normals, onDevice } from "../conformance/rig.js";
import { rmsNorm, rmsNormBackward } from "./rms-norm.js";

const SHAPES = [
  { rows: 1, width: 1 },
  { rows: 3, width: 15 },
  { rows: 40, width: 192 },
  { rows: 7, width: 1001 },
];
const EPS = 1e-6;

describe.each(SHAPES)("norms of $rows rows of $width, seed 3", ({ rows, width }) => {
  const rng = new Rng(3, rows, width);
  const x = normals(rng, rows * width, true);
  const w = normals(rng, width);
  const dy = normals(rng, rows * width);
  const old = normals(rng, rows * width);
  const rstdOf = (row: number) => {
    let total = 0;
    for (let i = 0; i < width; i++) total += x[row * width + i]! ** 2;
    return 1 / Math.sqrt(total / width + EPS);
  };

  test("rows are divided by their root mean square as by the oracle", () => {
    const [y, rstd] = everywhere((rig) => {
      const [y, rstd] = [rig.out(rows * width), rig.out(rows)];
      const args = { x: rig.put(x), w: rig.put(w), eps: EPS, y, rstd, rows, width };
      rig.run((list) => rmsNorm(list, args));
      return [rig.get(y), rig.get(rstd)];
    }) as [Float32Array, Float32Array];
    const wantRstd = Float64Array.from({ length: rows }, (_, row) => rstdOf(row));
    const want = Float64Array.from(x, (v, i) => v * rstdOf(Math.floor(i / width)) * w[i % width]!);
    expectClose(rstd, wantRstd, 1e-6, wantRstd);
    expectClose(y, want, 1e-6, want.map(Math.abs));
  });

  test("a single row has the bits of the row in its batch", () => {
    onDevice({ threads: 2 }, (rig) => {
      const [y, one, rstd] = [rig.out(rows * width), rig.out(width), rig.out(rows)];
      const common = { w: rig.put(w), eps: EPS, rstd, width };
      const last = rig.put(x.slice((rows - 1) * width));
      rig.run((list) => {
        rmsNorm(list, { ...common, x: rig.put(x), y, rows });
        rmsNorm(list, { ...common, x: last, y: one, rows: 1 });
      });
      expectSameBits(rig.get(one), rig.get(y).slice((rows - 1) * width));
    });
  });

  test("gradients are the oracle's; the weight's accumulates, however the rows are split, or is left out", () => {
    const [dx, added, dw, cut, frozen] = everywhere((rig) => {
      const [y, rstd, frozen] = [rig.out(rows * width), rig.out(rows), rig.out(rows * width)];
      const [dx, added] = [rig.out(rows * width), rig.put(old)];
      const [dw, spare, cut] = [rig.put(w), rig.put(w), rig.put(w)];
      const common = { x: rig.put(x), w: rig.put(w), rstd, width };
      const args = { ...common, dy: rig.put(dy), rows };
      const half = rows >> 1;
      rig.run((list) => {
        rmsNorm(list, { ...common, eps: EPS, y, rows });
        rmsNormBackward(list, { ...args, dx, dw, accumulateDx: false });
        rmsNormBackward(list, { ...args, dx: frozen, dw: null, accumulateDx: false });
        rmsNormBackward(list, { ...args, dx: added, dw: spare, accumulateDx: true });
        for (const [from, to] of [
          [0, half],
          [half, rows],
        ] as const) {
          const slice = (t: typeof y) => t.slice(from * width, to * width);
          const rowsOf = { x: slice(args.x), dy: slice(args.dy), dx: slice(y), dw: cut };
          const part = { ...args, ...rowsOf, rstd: rstd.slice(from, to), rows: to - from };
          if (to > from) rmsNormBackward(list, { ...part, accumulateDx: false });
        }
      });
      return [dx, added, dw, cut, frozen].map((tensor) => rig.get(tensor));
    }) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
    expectSameBits(frozen, dx);
    const wantX = new Float64Array(rows * width);
    const wantW = Float64Array.from(w);
    for (let row = 0; row < rows; row++) {
      const [r, at] = [rstdOf(row), row * width];
      let dot = 0;
      for (let i = 0; i < width; i++) {
        dot += dy[at + i]! * w[i]! * x[at + i]!;
        wantW[i]! += dy[at + i]! * x[at + i]! * r;
      }
      for (let i = 0; i < width; i++) {
        wantX[at + i] = r * dy[at + i]! * w[i]! - (x[at + i]! * r ** 3 * dot) / width;
      }
    }
    expectClose(dx, wantX, 1e-4);
    expectClose(dw, wantW, 1e-5);
    expectSameBits(cut, dw, "weight gradient of the halves");
    expectSameBits(
      added,
      dx.map((value, i) => old[i]! + value),
      "added",
    );
  });
});

test("a row of zeros stays zero", () => {
  onDevice({}, (rig) => {
    const [y, rstd] = [rig.out(16), rig.out(1)];
    const args = { x: rig.out(16, 0), w: rig.out(16, 1), eps: EPS, y, rstd, rows: 1, width: 16 };
    rig.run((list) => rmsNorm(list, args));
    expect([...rig.get(y)]).toEqual(new Array(16).fill(0));
  });
});
