import { Rng } from "@gumshoe/core";
import { expect, test } from "vitest";

import { everywhere, expectClose, normals } from "../conformance/rig.js";
import { adamw } from "./adamw.js";

const OPTIONS = { lr: 1e-2, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, gradScale: 0.5 };

test.each([1, 31, 20_000])("ten steps of %i parameters follow the oracle", (length) => {
  const rng = new Rng(9, length);
  const start = normals(rng, length);
  const grads = Array.from({ length: 10 }, () => normals(rng, length, true));
  const [master, m, v] = everywhere((rig) => {
    const state = { master: rig.put(start), m: rig.out(length, 0), v: rig.out(length, 0) };
    for (const [i, grad] of grads.entries()) {
      const args = { ...state, ...OPTIONS, grad: rig.put(grad), length, step: i + 1 };
      rig.run((list) => adamw(list, args));
    }
    return [rig.get(state.master), rig.get(state.m), rig.get(state.v)];
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
