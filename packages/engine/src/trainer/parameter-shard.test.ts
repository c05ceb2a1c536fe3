import { createCpuDevice } from "@gumshoe/kernels";
import { expect, test } from "vitest";

import { ParameterShard } from "./parameter-shard.js";

const LENGTH = 1000;
const STEP = {
  lr: 0.01,
  beta1: 0.9,
  beta2: 0.99,
  eps: 1e-8,
  weightDecay: 0.1,
  gradScale: 0.5,
};

const values = (scale: number) =>
  Float32Array.from({ length: LENGTH }, (_, i) => Math.sin(i * scale + scale));

function twoSteps(threads: number, start: number, end: number) {
  const device = createCpuDevice({ threads });
  const shard = ParameterShard.ofVector(device, values(0.1).slice(start, end));
  for (const step of [1, 2]) {
    shard.zeroGradient();
    shard.addLane(values(step * 0.7).slice(start, end));
    shard.addLane(values(step * 0.3).slice(start, end));
    shard.step({ ...STEP, step });
  }
  const master = new Float32Array(end - start);
  shard.readMaster(master);
  const result = { master, ...shard.readMoments(), squares: shard.sumSquares(64) };
  device.dispose();
  return result;
}

test("a range cut in two gives the same bits as the whole, for any number of threads", () => {
  const whole = twoSteps(1, 0, LENGTH);
  const [left, right] = [twoSteps(2, 0, 448), twoSteps(1, 448, LENGTH)];
  for (const part of ["master", "m", "v", "squares"] as const) {
    expect([...left[part], ...right[part]]).toEqual([...whole[part]]);
  }
});

test("a step is AdamW with decoupled decay and bias-corrected moments", () => {
  const { master } = twoSteps(1, 0, LENGTH);
  for (let i = 0; i < LENGTH; i += 97) {
    let [w, m, v] = [values(0.1)[i] as number, 0, 0];
    for (const step of [1, 2]) {
      const g = 0.5 * ((values(step * 0.7)[i] as number) + (values(step * 0.3)[i] as number));
      m = 0.9 * m + 0.1 * g;
      v = 0.99 * v + 0.01 * g * g;
      const move = m / (1 - 0.9 ** step) / (Math.sqrt(v / (1 - 0.99 ** step)) + 1e-8);
      w = w * (1 - 0.01 * 0.1) - 0.01 * move;
    }
    expect(master[i]).toBeCloseTo(w, 5);
  }
});
