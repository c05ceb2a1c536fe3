import { Rng } from "@gumshoe/core";
import { createCpuDevice, type Device } from "@gumshoe/kernels";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type OptimizerStep, ParameterShard } from "./parameter-shard.js";

const LENGTH = 1000;
const ADAM: Omit<OptimizerStep, "step"> = {
  ...{ lr: 1e-2, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, gradScale: 0.5 },
};
let device: Device;

beforeAll(() => {
  device = createCpuDevice({ threads: 2 });
});
afterAll(() => device.dispose());

function random(seed: number, scale: number, length = LENGTH): Float32Array {
  const rng = new Rng(seed);
  return Float32Array.from({ length }, () => scale * (2 * rng.uniform() - 1));
}

/** Three updates of two lanes each over the given ranges; returns all parameters. */
function train(cuts: readonly number[]): Float32Array {
  const parameters = random(1, 1);
  for (const [i, start] of cuts.slice(0, -1).entries()) {
    const end = cuts[i + 1] as number;
    const shard = new ParameterShard(device, { master: parameters.slice(start, end) });
    for (let step = 1; step <= 3; step++) {
      shard.zeroGradient();
      for (const lane of [0, 1]) shard.addLane(random(10 * step + lane, 1).slice(start, end));
      shard.step({ ...ADAM, step });
    }
    shard.readMaster(parameters.subarray(start, end));
    shard.dispose();
  }
  return parameters;
}

test("a step is AdamW: bias-corrected moments, decoupled decay, the gradient scaled", () => {
  const got = train([0, LENGTH]);
  const start = random(1, 1);
  const lanes = [1, 2, 3].map((step) => [random(10 * step, 1), random(10 * step + 1, 1)]);
  for (let i = 0; i < LENGTH; i++) {
    let [p, m, v] = [start[i] as number, 0, 0];
    for (const [index, [a, b]] of lanes.entries()) {
      const gradient = ADAM.gradScale * ((a?.[i] as number) + (b?.[i] as number));
      m = 0.9 * m + 0.1 * gradient;
      v = 0.99 * v + 0.01 * gradient ** 2;
      const [mHat, vHat] = [m / (1 - 0.9 ** (index + 1)), v / (1 - 0.99 ** (index + 1))];
      p = p * (1 - ADAM.lr * ADAM.weightDecay) - (ADAM.lr * mHat) / (Math.sqrt(vHat) + ADAM.eps);
    }
    expect(Math.abs((got[i] as number) - p)).toBeLessThan(1e-6);
  }
});

test("where the parameters are cut into shards changes no bit", () => {
  expect(train([0, 1, 333, 334, 1000])).toEqual(train([0, LENGTH]));
});

test("a shard that is made again from its state goes on bit for bit", () => {
  const gradient = random(4, 1);
  const shard = new ParameterShard(device, { master: random(1, 1) });
  shard.addLane(gradient);
  shard.step({ ...ADAM, step: 1 });
  const master = new Float32Array(LENGTH);
  shard.readMaster(master);
  const resumed = new ParameterShard(device, { master, ...shard.readMoments() });
  resumed.addLane(gradient);
  for (const one of [shard, resumed]) one.step({ ...ADAM, step: 2 });
  const [expected, got] = [new Float32Array(LENGTH), new Float32Array(LENGTH)];
  shard.readMaster(expected);
  resumed.readMaster(got);
  expect(got).toEqual(expected);
  expect(resumed.readMoments()).toEqual(shard.readMoments());
});

test("squares are summed per block in float64, the last block shorter", () => {
  const gradient = random(4, 1e3);
  const shard = new ParameterShard(device, { master: new Float32Array(LENGTH) });
  shard.addLane(gradient);
  const sums = shard.sumSquares(300);
  expect(sums).toHaveLength(4);
  for (const [block, sum] of sums.entries()) {
    const own = gradient.slice(300 * block, 300 * (block + 1));
    const expected = own.reduce((total, value) => total + value * value, 0);
    expect(Math.abs(sum / expected - 1)).toBeLessThan(1e-14);
  }
});

test("block sums of two shards cut at a block are those of the whole", () => {
  const gradient = random(4, 1e3);
  const sumsOf = (part: Float32Array) => {
    const shard = new ParameterShard(device, { master: new Float32Array(part.length) });
    shard.addLane(part);
    return [...shard.sumSquares(100)];
  };
  const parts = [...sumsOf(gradient.slice(0, 300)), ...sumsOf(gradient.slice(300))];
  expect(parts).toEqual(sumsOf(gradient));
});
