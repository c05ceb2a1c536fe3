import { createCpuDevice, type Device, OutOfMemoryError, type Tensor } from "@gumshoe/kernels";
import { afterEach, beforeEach, expect, test } from "vitest";

import { Sampler } from "../sampler/sampler.js";
import type { SampleRequest } from "../sampler/sequence.js";
import { ParameterShard } from "../trainer/parameter-shard.js";
import { Trainer } from "../trainer/trainer.js";
import { randomPack, TINY_CONFIGS, tinyModel } from "./tiny-model.js";

const CONFIG = TINY_CONFIGS.qwen3;

/** A device whose allocations fail from a chosen one on. */
class LimitedDevice {
  readonly #device = createCpuDevice({ threads: 1 });
  readonly live = new Set<Tensor>();
  /** Number of allocations that still succeed. */
  left = Infinity;

  /** The device as the engine sees it. */
  readonly seen: Device = new Proxy(this.#device, {
    get: (device, name) => {
      if (name === "alloc") return this.#alloc.bind(this);
      if (name === "free") return this.#free.bind(this);
      const value = Reflect.get(device, name, device) as unknown;
      return typeof value === "function" ? (value.bind(device) as unknown) : value;
    },
  });

  #alloc(...args: Parameters<Device["alloc"]>): Tensor {
    if (this.left === 0) throw new OutOfMemoryError("a test", null);
    this.left -= 1;
    const tensor = this.#device.alloc(...args);
    this.live.add(tensor);
    return tensor;
  }

  #free(tensor: Tensor): void {
    this.live.delete(tensor);
    this.#device.free(tensor);
  }

  dispose(): void {
    this.#device.dispose();
  }
}

let limited: LimitedDevice;
beforeEach(() => {
  limited = new LimitedDevice();
});
afterEach(() => limited.dispose());

/** Runs `work` with 0, 1, 2, ... allocations allowed, until one attempt succeeds. */
function failingEachAllocation<T>(work: () => T): { result: T; numFailures: number } {
  for (let numFailures = 0; ; numFailures++) {
    limited.left = numFailures;
    try {
      return { result: work(), numFailures };
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
    } finally {
      limited.left = Infinity;
    }
  }
}

const REQUEST: SampleRequest = {
  id: "a",
  promptIds: [3, 4, 5, 6, 7],
  count: 3,
  temperature: 1,
  maxNewTokens: 9,
  stopTokenIds: [],
  seed: [1, 2],
  earlyStop: null,
};

test("a sampler that ran out of memory at any allocation samples the same afterwards and frees everything", () => {
  const model = tinyModel(limited.seen, CONFIG);
  const numModel = limited.live.size;
  const first = new Sampler({ model, kvCacheTokens: 256 });
  first.add(REQUEST);
  const expected = first.run();
  first.dispose();
  const made = failingEachAllocation(() => new Sampler({ model, kvCacheTokens: 256 }));
  expect(made.numFailures).toBe(2 * CONFIG.layers);
  const sampler = made.result;
  const sampled = failingEachAllocation(() => {
    sampler.cancel("a");
    sampler.add(REQUEST);
    return sampler.run();
  });
  expect(sampled.numFailures).toBeGreaterThan(20);
  expect(sampled.result).toEqual(expected);
  // A larger batch frees its buffers before it allocates new ones.
  const larger = { ...REQUEST, id: "b", promptIds: Array.from({ length: 40 }, (_, i) => i) };
  const grown = failingEachAllocation(() => {
    sampler.cancel("b");
    sampler.add(larger);
    return sampler.run();
  });
  expect(grown.numFailures).toBeGreaterThan(20);
  sampler.add({ ...REQUEST, id: "a" });
  expect(sampler.run()).toEqual(expected);
  sampler.dispose();
  model.dispose();
  expect(limited.live.size).toBe(0);
  expect(numModel).toBeGreaterThan(0);
});

test("a trainer that ran out of memory at any allocation computes the same gradient afterwards and frees everything", () => {
  const model = tinyModel(limited.seen, CONFIG);
  const packs = [randomPack(CONFIG, { prompt: 7, answers: [4, 6] })];
  const more = [randomPack(CONFIG, { prompt: 60, answers: [14, 16] }, 2)];
  const loss = (_pack: unknown, { logprobs }: { logprobs: Float32Array }) => ({
    loss: 0,
    dLogprob: logprobs.map(() => -1),
    dEntropy: null,
  });
  const gradientOf = (trainer: Trainer) => {
    trainer.zeroGradient();
    trainer.accumulate(packs, loss);
    return trainer.readGradient();
  };
  const first = new Trainer({ model });
  const expected = gradientOf(first);
  first.dispose();
  const { result: trainer } = failingEachAllocation(() => new Trainer({ model }));
  const { result, numFailures } = failingEachAllocation(() => gradientOf(trainer));
  expect(numFailures).toBeGreaterThan(30);
  expect(result).toEqual(expected);
  failingEachAllocation(() => trainer.accumulate(more, loss));
  expect(gradientOf(trainer)).toEqual(expected);
  trainer.dispose();
  model.dispose();
  expect(limited.live.size).toBe(0);
});

test("a model or a shard that cannot be allocated leaves no memory behind", () => {
  const model = failingEachAllocation(() => {
    expect(limited.live.size).toBe(0);
    return tinyModel(limited.seen, CONFIG);
  });
  expect(model.numFailures).toBe(1);
  model.result.dispose();
  const shard = failingEachAllocation(() => {
    expect(limited.live.size).toBe(0);
    return ParameterShard.ofVector(limited.seen, new Float32Array(5));
  });
  expect(shard.numFailures).toBe(4);
  shard.result.dispose();
  expect(limited.live.size).toBe(0);
});
