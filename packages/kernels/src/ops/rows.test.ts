import { Rng } from "@gumshoe/core";
import { describe, expect, test } from "vitest";

import {
  everywhere,
  expectClose,
  expectSameBits,
  integers,
  normals,
  onDevice,
} from "../conformance/rig.js";
import { OutOfRangeIdError } from "../errors.js";
import { embedding, embeddingBackward } from "./embedding.js";
import { add, fill, gatherRows, scale, scatterAddRows, sumSquaresBlocks } from "./rows.js";

const SHAPES = [
  { count: 1, width: 1, rows: 1 },
  { count: 300, width: 77, rows: 9 },
  { count: 50, width: 192, rows: 400 },
];

describe.each(SHAPES)("$count of $rows rows of width $width, seed 6", ({ count, width, rows }) => {
  const rng = new Rng(6, count, width, rows);
  const ids = integers(rng, count, rows);
  const table = normals(rng, rows * width);
  const dy = normals(rng, count * width, true);

  test("embedding and gathering both copy the looked-up rows", () => {
    const [y, gathered] = everywhere((rig) => {
      const [y, gathered] = [rig.out(count * width), rig.out(count * width)];
      const [i, t] = [rig.put(ids), rig.put(table)];
      rig.run((list) => {
        embedding(list, { ids: i, table: t, y, rows: count, width, vocabulary: rows });
        gatherRows(list, { x: t, rows: i, y: gathered, count, width, sourceRows: rows });
      });
      return [rig.get(y), rig.get(gathered)];
    }) as [Float32Array, Float32Array];
    const want = Float32Array.from(
      { length: count * width },
      (_, i) => table[ids[Math.floor(i / width)]! * width + (i % width)]!,
    );
    expectSameBits(y, want);
    expectSameBits(gathered, want);
  });

  test("adding rows back keeps their order, so every sum has the bits of float32 additions", () => {
    const [dTable, scattered] = everywhere((rig) => {
      const [dTable, scattered] = [rig.put(table), rig.put(table)];
      const [i, d] = [rig.put(ids), rig.put(dy)];
      rig.run((list) => {
        embeddingBackward(list, { ids: i, dy: d, dTable, rows: count, width, vocabulary: rows });
        scatterAddRows(list, { dy: d, rows: i, dx: scattered, count, width, targetRows: rows });
      });
      return [rig.get(dTable), rig.get(scattered)];
    }) as [Float32Array, Float32Array];
    const want = table.slice();
    for (let t = 0; t < count; t++) {
      for (let c = 0; c < width; c++) want[ids[t]! * width + c]! += dy[t * width + c]!;
    }
    expectSameBits(dTable, want);
    expectSameBits(scattered, want);
  });

  test("an id or a row outside the table is refused before anything is written", () => {
    onDevice({ threads: 2 }, (rig) => {
      for (const bad of [rows, -1, 2 ** 31 - 1]) {
        const wrong = ids.slice();
        wrong[count - 1] = bad;
        const [i, t, d] = [rig.put(wrong), rig.put(table), rig.put(dy)];
        const y = rig.out(count * width);
        for (const recordOne of [
          (list: Parameters<typeof embedding>[0]) =>
            embedding(list, { ids: i, table: t, y, rows: count, width, vocabulary: rows }),
          (list: Parameters<typeof embedding>[0]) =>
            gatherRows(list, { x: t, rows: i, y, count, width, sourceRows: rows }),
          (list: Parameters<typeof embedding>[0]) =>
            embeddingBackward(list, {
              ids: i,
              dy: d,
              dTable: t,
              rows: count,
              width,
              vocabulary: rows,
            }),
          (list: Parameters<typeof embedding>[0]) =>
            scatterAddRows(list, { dy: d, rows: i, dx: t, count, width, targetRows: rows }),
        ]) {
          expect(() => rig.run(recordOne)).toThrow(OutOfRangeIdError);
        }
        expectSameBits(rig.get(y), new Float32Array(count * width).fill(777));
        expectSameBits(rig.get(t), table);
      }
    });
  });
});

test.each([1, 63, 40_001])(
  "%i elements are added, filled, scaled and squared exactly",
  (length) => {
    const rng = new Rng(7, length);
    const [x, y] = [normals(rng, length, true), normals(rng, length)];
    const [sum, filled, scaled, norms] = everywhere((rig) => {
      const [to, f, s] = [rig.put(y), rig.out(length), rig.put(x)];
      const out = rig.put(new Float64Array(Math.ceil(length / 1000)));
      rig.run((list) => {
        sumSquaresBlocks(list, { x: to, length, blockSize: 1000, out });
        add(list, { x: rig.put(x), y: to, length });
        fill(list, { x: f, value: 0.1, length });
        scale(list, { x: s, factor: 0.1, length });
      });
      const sums = new Float64Array(out.length);
      rig.device.read(out, sums);
      // As pairs of 32-bit words, so that every bit of the float64 is compared.
      return [rig.get(to), rig.get(f), rig.get(s), new Float32Array(sums.buffer)];
    }) as [Float32Array, Float32Array, Float32Array, Float32Array];
    expectSameBits(
      sum,
      y.map((value, i) => value + x[i]!),
    );
    expectSameBits(filled, new Float32Array(length).fill(0.1));
    const factor = Math.fround(0.1);
    expectSameBits(
      scaled,
      x.map((value) => value * factor),
    );
    const sums = new Float64Array(norms.buffer);
    for (const [block, value] of sums.entries()) {
      const part = y.subarray(block * 1000, (block + 1) * 1000);
      expect(value).toBeCloseTo(
        part.reduce((total, v) => total + v * v, 0),
        8,
      );
    }
    expectClose(sum, Float64Array.from(sum), 0);
  },
);
