import {
  initialParameters,
  parseModelConfig,
  type SampleRequest,
  weightForm,
  writeWeights,
} from "@gumshoe/engine";
import { Region } from "@gumshoe/tensors";
import { afterEach, expect, test } from "vitest";

import { TINY_CONFIG } from "../../../../test/support/tiny-config.js";
// The thread is started from the built package, as in production.
import { EngineThread } from "../../dist/engine/engine-thread.js";

const threads: EngineThread[] = [];
afterEach(() => Promise.all(threads.splice(0).map((thread) => thread.stop())));

const CONFIG = JSON.stringify(TINY_CONFIG);

const OTHER_CONFIG = CONFIG.replace('"hidden_size":16', '"hidden_size":32');

/** Longer than loading any model takes. */
const LONG: Partial<SampleRequest> = { maxNewTokens: 60, count: 200 };

function request(more: Partial<SampleRequest> = {}): SampleRequest {
  return {
    id: "g",
    promptIds: [3, 4],
    count: 2,
    temperature: 1,
    maxNewTokens: 50,
    stopTokenIds: [],
    seed: [1],
    earlyStop: null,
    ...more,
  };
}

/** Makes the engine hold a model with random weights; returns their digest. */
async function load(
  thread: EngineThread,
  configJson = CONFIG,
  { seed = 1, isShared = true } = {},
): Promise<string> {
  const config = parseModelConfig(JSON.parse(configJson));
  const form = weightForm(config);
  const region = Region.create(form.length, { isShared });
  writeWeights(form, region.values, initialParameters(config, seed, 0.2));
  await thread.call("loadModel", {
    configJson,
    adapter: null,
    training: false,
    work: null,
    reference: null,
  });
  const digest = await thread.call("setWeights", { weights: region.memory });
  // The engine has a mapping of its own.
  region.close();
  return digest;
}

function startThread(onLost: () => void = () => undefined): EngineThread {
  const thread = new EngineThread(
    { device: { type: "cpu" }, threads: 1, environment: {}, fault: null },
    onLost,
  );
  threads.push(thread);
  return thread;
}

test("tokens are counted over all models that the engine has held", async () => {
  const thread = startThread();
  const counted: number[] = [];
  for (const configJson of [CONFIG, OTHER_CONFIG]) {
    const weights = await load(thread, configJson);
    await thread.call("sample", { request: request({ count: 4, maxNewTokens: 8 }), weights });
    // The token count is sent after the step's results.
    await load(thread, configJson);
    counted.push(thread.tokensSampled);
  }
  expect(counted).toEqual([4 * 8, 2 * 4 * 8]);
});

test("the main thread's event loop stays free while the engine samples", async () => {
  const thread = startThread();
  const weights = await load(thread);
  const sampled = thread.call("sample", {
    request: request({ count: 64, maxNewTokens: 60 }),
    weights,
  });
  let longestGapMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longestGapMs = Math.max(longestGapMs, performance.now() - last);
    last = performance.now();
  }, 1);
  const { rollouts } = await sampled;
  clearInterval(timer);
  expect(rollouts).toHaveLength(64);
  expect(longestGapMs).toBeLessThan(1000);
});

test("a failure of the engine reaches the caller with its code", async () => {
  const thread = startThread();
  await expect(
    thread.call("loadModel", {
      configJson: "{}",
      adapter: null,
      training: false,
      work: null,
      reference: null,
    }),
  ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("calls in flight fail when the thread is stopped, and onLost is not called", async () => {
  let lost = false;
  const thread = startThread(() => (lost = true));
  const call = thread.call("loadModel", {
    configJson: CONFIG,
    adapter: null,
    training: true,
    work: null,
    reference: null,
  });
  await thread.stop();
  await expect(call).rejects.toThrow("the engine's thread was stopped");
  expect(lost).toBe(false);
});

test("nothing is sampled from a model without weights, or from weights other than the named ones", async () => {
  const thread = startThread();
  await thread.call("loadModel", {
    configJson: CONFIG,
    adapter: null,
    training: false,
    work: null,
    reference: null,
  });
  const none = thread.call("sample", { request: request(), weights: "f".repeat(64) });
  await expect(none).rejects.toThrow("the engine holds weights none, not fff");
  const [first, second] = [await load(thread), await load(thread, CONFIG, { seed: 2 })];
  const other = thread.call("sample", { request: request(), weights: first });
  await expect(other).rejects.toThrow(`holds weights ${second}, not ${first}`);
  // A model of the same shape that is loaded again has no weights either.
  await thread.call("loadModel", {
    configJson: CONFIG,
    adapter: null,
    training: false,
    work: null,
    reference: null,
  });
  const again = thread.call("sample", { request: request(), weights: second });
  await expect(again).rejects.toThrow("the engine holds weights none");
});

test("groups fail when model or weights are replaced while they are sampled", async () => {
  const thread = startThread();
  for (const replace of [
    () => load(thread, CONFIG, { seed: 2 }),
    () => load(thread, OTHER_CONFIG),
  ]) {
    const weights = await load(thread);
    const calls = [1, 2].map(() => thread.call("sample", { request: request(LONG), weights }));
    const settled = Promise.allSettled(calls);
    await replace();
    for (const { status, reason } of (await settled) as PromiseRejectedResult[]) {
      expect(status).toBe("rejected");
      expect((reason as Error).message).toContain("another model");
    }
  }
});

test("a cancelled group leaves the batch, and the others are unchanged", async () => {
  const thread = startThread();
  const weights = await load(thread);
  const sample = (more: Partial<SampleRequest>, signal?: AbortSignal) =>
    thread.call("sample", { request: request(more), weights }, signal);
  const alone = await sample({ seed: [5] });
  const cancelled = new AbortController();
  const long = sample(LONG, cancelled.signal);
  const beside = sample({ seed: [5] });
  cancelled.abort(new Error("not wanted"));
  await expect(long).rejects.toThrow("not wanted");
  expect(await beside).toEqual(alone);
  const before = thread.tokensSampled;
  await sample({ seed: [6], count: 1, maxNewTokens: 1 });
  // The cancelled group continues for one step at most, not for 200 answers.
  expect(thread.tokensSampled - before).toBeLessThan(1000);
  await expect(sample({}, cancelled.signal)).rejects.toThrow("not wanted");
});

test("weights in memory that is not shared between processes give the same samples", async () => {
  const thread = startThread();
  const results = [];
  for (const isShared of [true, false]) {
    const weights = await load(thread, CONFIG, { isShared });
    results.push(await thread.call("sample", { request: request(), weights }));
  }
  expect(results[0]).toEqual(results[1]);
});

/** Gives two tokens after each turn of four, until there is no room. */
const goOn = async ({ tokens, room }: { tokens: Int32Array; room: number }) =>
  room > 2 ? [tokens[0] ?? 0, 7] : null;
const TURNS = { maxNewTokens: 20, turns: { maxTokens: 4 } };

test("while a conversation waits for what follows a turn, others are sampled; its answers stay the same", async () => {
  const thread = startThread();
  const weights = await load(thread);
  const { signal } = new AbortController();
  const argument = { request: request(TURNS), weights };
  const expected = await thread.converse(argument, goOn, signal);
  expect(expected.rollouts.map(({ segments }) => segments)).toEqual([
    [4, 2, 4, 2, 4, 2, 2],
    [4, 2, 4, 2, 4, 2, 2],
  ]);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const slow = thread.converse(
    argument,
    async (turn) => {
      await held;
      return goOn(turn);
    },
    signal,
  );
  const beside = await thread.converse({ request: request(TURNS), weights }, goOn, signal);
  const plain = await thread.call("sample", { request: request(), weights });
  expect(beside).toEqual(expected);
  expect(plain.rollouts[0]?.tokens.length).toBe(50);
  release();
  expect(await slow).toEqual(expected);
});

test("a conversation whose other side fails, or that is cancelled, ends with the reason and leaves nothing", async () => {
  const thread = startThread();
  const weights = await load(thread);
  const argument = { request: request(TURNS), weights };
  const failing = thread.converse(
    argument,
    () => Promise.reject(new Error("the module is away")),
    new AbortController().signal,
  );
  await expect(failing).rejects.toThrow("the module is away");
  const controller = new AbortController();
  const cancelled = thread.converse(
    argument,
    () => {
      controller.abort(new Error("the lease is lost"));
      return new Promise<never>(() => undefined);
    },
    controller.signal,
  );
  await expect(cancelled).rejects.toThrow("the lease is lost");
  const after = await thread.call("sample", { request: request(), weights });
  expect(after.rollouts.length).toBe(2);
});
