/** A worker's engine on an emulated GPU: the CPU's samples; too little memory; a GPU that is lost. */
import {
  initialParameters,
  parseModelConfig,
  type SampleRequest,
  weightBytes,
  weightForm,
  writeWeights,
} from "@gumshoe/engine";
import type { DeviceName } from "@gumshoe/gpu";
import { Region } from "@gumshoe/tensors";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

// The thread is started from the built package, as in production.
import { EngineThread } from "../../packages/worker/dist/engine/engine-thread.js";
import { emulatedFolder, EmulatedGpu } from "../support/emulated-gpu.js";
import { TINY_CONFIG } from "../support/tiny-config.js";

const MEMORY_BYTES = 16 * 2 ** 20;
const REQUEST: SampleRequest = {
  id: "g",
  promptIds: [3, 4],
  count: 3,
  temperature: 1,
  maxNewTokens: 6,
  stopTokenIds: [],
  seed: [1],
  earlyStop: null,
};
const folder = emulatedFolder();

describe.skipIf(folder === null)("an engine on a GPU", () => {
  let emulated: EmulatedGpu;
  const threads: EngineThread[] = [];

  const lost: Error[] = [];
  /** One for all tests, as in a worker: what a thread has pinned stays pinned until its process ends. */
  let gpu: EngineThread;

  beforeAll(() => {
    emulated = new EmulatedGpu(folder ?? "");
    emulated.set("memory", MEMORY_BYTES);
    gpu = start({ type: "cuda", ordinal: 0 });
  });
  afterAll(async () => {
    await Promise.all(threads.map((thread) => thread.stop()));
  });

  function start(device: DeviceName): EngineThread {
    const onLost = (error: Error) => lost.push(error);
    const thread = new EngineThread({ device, threads: 1, environment: {}, fault: null }, onLost);
    threads.push(thread);
    return thread;
  }

  async function load(thread: EngineThread, shape = TINY_CONFIG): Promise<string> {
    const config = parseModelConfig(shape);
    const form = weightForm(config);
    const region = Region.create(form.length, { isShared: true });
    writeWeights(form, region.values, initialParameters(config, 1, 0.2));
    try {
      const configJson = JSON.stringify(shape);
      await thread.call("loadModel", {
        configJson,
        adapter: null,
        training: false,
        work: null,
        reference: null,
      });
      return await thread.call("setWeights", { weights: region.memory });
    } finally {
      region.close();
    }
  }

  test("samples what the CPU samples, from weights with the same digest", async () => {
    const results = [];
    for (const thread of [start({ type: "cpu" }), gpu]) {
      expect(await thread.call("openDevice", null)).toMatch(/^(cpu x1|cuda:0 Emulated GPU 0)$/);
      const weights = await load(thread);
      results.push(await thread.call("sample", { request: REQUEST, weights }));
    }
    expect(results[1]).toEqual(results[0]);
  });

  test("says what its model takes when the GPU has too little memory, and goes on", async () => {
    const large = { ...TINY_CONFIG, vocab_size: 70_000, hidden_size: 64 };
    expect(weightBytes(parseModelConfig(large))).toBeGreaterThan(MEMORY_BYTES);
    await expect(load(gpu, large)).rejects.toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      message: expect.stringMatching(
        /^no memory for .+ of \d+\.\d MiB on cuda:0, which has 0\.0\d of 0\.02 GiB free; this worker's model takes weights 0\.02 GB, keys and values 0\.00 GB for each 1000 tokens in flight \(gumshoe plan CONFIG has the whole\): give the worker a GPU of its own/,
      ) as unknown,
    });
    const weights = await load(gpu);
    const { rollouts } = await gpu.call("sample", { request: REQUEST, weights });
    expect(rollouts).toHaveLength(3);
  });

  test("ends its thread when the GPU is lost, so that a new process can use it", async () => {
    const weights = await load(gpu);
    expect(lost).toEqual([]);
    emulated.set("faults", "cuLaunchKernel@3=719");
    const sampled = gpu.call("sample", { request: REQUEST, weights });
    await expect(sampled).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect.poll(() => lost.length).toBe(1);
    expect(lost[0]?.message).toMatch(
      /^the engine's thread failed: cuda:0 is lost to this process: /,
    );
  });
});
