import { Rng } from "@gumshoe/core";
import { describe, expect, test } from "vitest";

import {
  everywhere,
  expectClose,
  expectSameBits,
  normals,
  onDevice,
  type Rig,
} from "../conformance/rig.js";
import type { Tensor } from "../device.js";
import {
  linear,
  linearBackwardInput,
  linearBackwardWeight,
  packedLength,
  packMatrix,
} from "./linear.js";

interface Shape {
  m: number;
  n: number;
  k: number;
}
// Row counts around every tile height, widths around every vector and panel, odd depths.
const SHAPES: Shape[] = [
  { m: 1, n: 1, k: 1 },
  { m: 1, n: 160, k: 33 },
  { m: 2, n: 128, k: 64 },
  { m: 3, n: 300, k: 17 },
  { m: 5, n: 31, k: 70 },
  { m: 11, n: 33, k: 48 },
  { m: 13, n: 97, k: 129 },
  { m: 100, n: 65, k: 40 },
  { m: 197, n: 130, k: 71 },
  { m: 1100, n: 20, k: 35 },
];
const named = SHAPES.map((shape) => ({ ...shape, name: `${shape.m}x${shape.n}x${shape.k}` }));

/** C[i, j] = sum over t of a(i, t) b(t, j), and the sum of the terms' absolute values. */
function oracle(
  { m, n, k }: Shape,
  a: (i: number, t: number) => number,
  b: (t: number, j: number) => number,
): { value: Float64Array; size: Float64Array } {
  const value = new Float64Array(m * n);
  const size = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let t = 0; t < k; t++) {
        const term = a(i, t) * b(t, j);
        value[i * n + j] = (value[i * n + j] as number) + term;
        size[i * n + j] = (size[i * n + j] as number) + Math.abs(term);
      }
    }
  }
  return { value, size };
}
const at = (values: Float32Array, i: number) => values[i] as number;
const eps = (depth: number) => (depth + 3) * 2 ** -24;

function pack(rig: Rig, w: Float32Array, { n, k }: Shape): Tensor {
  const packed = rig.out(packedLength(n, k), NaN);
  rig.run((list) => packMatrix(list, { w: rig.put(w), packed, n, k }));
  return packed;
}

describe.each(named)("linear layers of shape $name, seed 1", ({ m, n, k }) => {
  const rng = new Rng(1, m, n, k);
  const shape = { m, n, k };
  const x = normals(rng, m * k, true);
  const w = normals(rng, n * k, true);
  const bias = normals(rng, n);
  const old = normals(rng, m * n);
  const dy = normals(rng, m * n, true);

  test("the product is the oracle's, in the same bits everywhere", () => {
    const [y] = everywhere((rig) => {
      const y = rig.out(m * n);
      const args = { x: rig.put(x), weight: pack(rig, w, shape), bias: null, addend: null };
      rig.run((list) => linear(list, { ...args, y, ...shape }));
      return [rig.get(y)];
    }) as [Float32Array];
    const want = oracle(
      shape,
      (i, t) => at(x, i * k + t),
      (t, j) => at(w, j * k + t),
    );
    expectClose(y, want.value, eps(k), want.size);
  });

  test("bias and addend are added once at the end, the addend from the output or another tensor", () => {
    everywhere((rig) => {
      const weight = pack(rig, w, shape);
      const common = { x: rig.put(x), weight, ...shape };
      const plain = rig.out(m * n);
      const biased = rig.out(m * n);
      const inPlace = rig.put(old);
      const apart = rig.out(m * n);
      const b = rig.put(bias);
      rig.run((list) => {
        linear(list, { ...common, bias: null, addend: null, y: plain });
        linear(list, { ...common, bias: b, addend: null, y: biased });
        linear(list, { ...common, bias: b, addend: inPlace, y: inPlace });
        linear(list, { ...common, bias: b, addend: rig.put(old), y: apart });
      });
      const chain = rig.get(plain);
      const wantBiased = chain.map((value, i) => value + at(bias, i % n));
      const wantAdded = wantBiased.map((value, i) => at(old, i) + value);
      expectSameBits(rig.get(biased), wantBiased, "with bias");
      expectSameBits(rig.get(inPlace), wantAdded, "in place");
      expectSameBits(rig.get(apart), wantAdded, "from elsewhere");
      return [rig.get(apart)];
    });
  });

  test("a single row has the bits of the row in its batch", () => {
    onDevice({ threads: 2 }, (rig) => {
      const weight = pack(rig, w, shape);
      const y = rig.out(m * n);
      const common = { weight, bias: rig.put(bias), addend: null, n, k };
      rig.run((list) => linear(list, { ...common, x: rig.put(x), y, m }));
      const whole = rig.get(y);
      for (const row of [0, m >> 1, m - 1]) {
        const one = rig.out(n);
        const alone = rig.put(x.slice(row * k, (row + 1) * k));
        rig.run((list) => linear(list, { ...common, x: alone, y: one, m: 1 }));
        expectSameBits(rig.get(one), whole.subarray(row * n, (row + 1) * n), `row ${row}`);
      }
    });
  });

  test("the input's gradient is the oracle's", () => {
    const [dx, added] = everywhere((rig) => {
      const common = { dy: rig.put(dy), weight: pack(rig, w, shape), ...shape };
      const dx = rig.out(m * k);
      const added = rig.put(x);
      rig.run((list) => {
        linearBackwardInput(list, { ...common, dx, addend: null });
        linearBackwardInput(list, { ...common, dx: added, addend: added });
      });
      return [rig.get(dx), rig.get(added)];
    }) as [Float32Array, Float32Array];
    const want = oracle(
      { m, n: k, k: n },
      (i, t) => at(dy, i * n + t),
      (t, j) => at(w, t * k + j),
    );
    expectClose(dx, want.value, eps(n), want.size);
    expectSameBits(
      added,
      dx.map((value, i) => value + at(x, i)),
    );
  });

  test("parameter gradients are the oracle's and accumulate; splitting the rows changes no bit", () => {
    const startW = normals(rng, n * k);
    const startB = normals(rng, n);
    const [dw, db] = everywhere((rig) => {
      const results = [m, m >> 1].map((cut) => {
        const [dw, db] = [rig.put(startW), rig.put(startB)];
        const part = (from: number, to: number) => ({
          x: rig.put(x.slice(from * k, to * k)),
          dy: rig.put(dy.slice(from * n, to * n)),
          dw,
          db,
          m: to - from,
          n,
          k,
        });
        rig.run((list) => {
          linearBackwardWeight(list, part(0, cut));
          if (cut < m) linearBackwardWeight(list, part(cut, m));
        });
        return [rig.get(dw), rig.get(db)] as const;
      });
      const [whole, cut] = results as [(typeof results)[0], (typeof results)[0]];
      expectSameBits(cut[0], whole[0], "dw of the halves");
      expectSameBits(cut[1], whole[1], "db of the halves");
      return [...whole];
    }) as [Float32Array, Float32Array];
    const want = oracle(
      { m: n, n: k, k: m },
      (i, t) => at(dy, t * n + i),
      (t, j) => at(x, t * k + j),
    );
    const total = want.value.map((value, i) => value + at(startW, i));
    expectClose(
      dw,
      total,
      eps(m),
      want.size.map((size, i) => size + Math.abs(at(startW, i))),
    );
    const ones = oracle(
      { m: n, n: 1, k: m },
      (i, t) => at(dy, t * n + i),
      () => 1,
    );
    const bTotal = ones.value.map((value, i) => value + at(startB, i));
    expectClose(
      db,
      bTotal,
      eps(m),
      ones.size.map((size, i) => size + 10 + Math.abs(at(startB, i))),
    );
  });
});

test("denormal numbers are preserved", () => {
  everywhere((rig) => {
    const [y, k] = [rig.out(40), 8];
    const x = rig.put(new Float32Array(k).fill(1e-30));
    const weight = pack(rig, new Float32Array(40 * k).fill(1e-10), { m: 1, n: 40, k });
    rig.run((list) => linear(list, { x, weight, bias: null, addend: null, y, m: 1, n: 40, k }));
    const result = rig.get(y);
    expect(at(result, 39)).toBeGreaterThan(7e-40);
    expect(at(result, 39)).toBeLessThan(9e-40);
    return [result];
  });
});
