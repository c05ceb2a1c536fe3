import { Rng } from "@gumshoe/core";
import { expect, test } from "vitest";

import { everywhere, expectClose, expectSameBits, normals } from "../conformance/rig.js";
import { adamw, adamwPacked } from "./adamw.js";
import { packedLength, packMatrix } from "./linear.js";

const OPTIONS = { lr: 1e-2, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, gradScale: 0.5 };

test.each([1, 31, 20_000])("ten steps of %i parameters follow the oracle", (length) => {
  const rng = new Rng(9, length);
  const start = normals(rng, length);
  const grads = Array.from({ length: 10 }, () => normals(rng, length, true));
  const [master, m, v] = everywhere((rig) => {
    const state = { m: rig.out(length, 0), v: rig.out(length, 0) };
    const weights = rig.put(start);
    for (const [i, grad] of grads.entries()) {
      const args = {
        ...state,
        from: weights,
        to: weights,
        ...OPTIONS,
        grad: rig.put(grad),
        length,
        step: i + 1,
      };
      rig.run((list) => adamw(list, args));
    }
    return [rig.get(weights), rig.get(state.m), rig.get(state.v)];
  }) as [Float32Array, Float32Array, Float32Array];
  const { lr, beta1, beta2, eps, weightDecay, gradScale } = OPTIONS;
  const want = Float64Array.from(start);
  const [wantM, wantV] = [new Float64Array(length), new Float64Array(length)];
  for (const [i, grad] of grads.entries()) {
    for (let j = 0; j < length; j++) {
      const g = grad[j]! * gradScale;
      wantM[j] = beta1 * wantM[j]! + (1 - beta1) * g;
      wantV[j] = beta2 * wantV[j]! + (1 - beta2) * g * g;
      const mHat = wantM[j]! / (1 - beta1 ** (i + 1));
      const vHat = wantV[j]! / (1 - beta2 ** (i + 1));
      want[j] = want[j]! * (1 - lr * weightDecay) - (lr * mHat) / (Math.sqrt(vHat) + eps);
    }
  }
  const one = new Float64Array(length).fill(1);
  expectClose(master, want, 1e-5, one);
  expectClose(m, wantM, 1e-5);
  expectClose(v, wantV, 1e-5);
  expect(master).not.toEqual(start);
});

test.each([
  { n: 1, k: 1, first: 0, last: 1 },
  { n: 70, k: 33, first: 0, last: 70 * 33 },
  { n: 70, k: 33, first: 40, last: 47 },
  { n: 70, k: 33, first: 1000, last: 1100 },
  { n: 64, k: 48, first: 17, last: 3000 },
])(
  "elements $first to $last of a packed $n x $k are updated like unpacked ones",
  ({ n, k, first, last }) => {
    const rng = new Rng(11, n, k, first);
    const [start, length] = [normals(rng, n * k), last - first];
    const [m, v] = [normals(rng, length), normals(rng, length).map(Math.abs)];
    const grad = normals(rng, length, true);
    everywhere((rig) => {
      const pack = (w: Float32Array) => {
        const packed = rig.out(packedLength(n, k), NaN);
        rig.run((list) => packMatrix(list, { w: rig.put(w), packed, n, k }));
        return packed;
      };
      const from = pack(start);
      const to = pack(new Float32Array(n * k).fill(777));
      const plain = rig.put(start.slice(first, last));
      const state = () => ({ m: rig.put(m), v: rig.put(v), grad: rig.put(grad) });
      const [packedState, plainState] = [state(), state()];
      const rule = { ...OPTIONS, step: 3 };
      rig.run((list) => {
        adamwPacked(list, { ...packedState, from, to, ...rule, n, k, first, last });
        adamw(list, { ...plainState, from: plain, to: plain, ...rule, length });
      });
      const want = new Float32Array(n * k).fill(777);
      want.set(rig.get(plain), first);
      expectSameBits(rig.get(to), rig.get(pack(want)), "weights");
      expectSameBits(rig.get(from), rig.get(pack(start)), "weights before");
      expectSameBits(rig.get(packedState.m), rig.get(plainState.m), "m");
      expectSameBits(rig.get(packedState.v), rig.get(plainState.v), "v");
      return [rig.get(to)];
    });
  },
);
