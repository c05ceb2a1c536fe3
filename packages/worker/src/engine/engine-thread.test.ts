import { afterEach, expect, test } from "vitest";

// The thread is started as it is shipped: from the built package.
import { EngineThread } from "../../dist/engine/engine-thread.js";

const threads: EngineThread[] = [];
afterEach(() => Promise.all(threads.splice(0).map((thread) => thread.stop())));

const CONFIG = JSON.stringify({
  architectures: ["Qwen2ForCausalLM"],
  model_type: "qwen2",
  vocab_size: 50,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  tie_word_embeddings: true,
  hidden_act: "silu",
  eos_token_id: 1,
});

function startThread(onLost: () => void = () => undefined): EngineThread {
  const thread = new EngineThread({ threads: 1, fault: null }, onLost);
  threads.push(thread);
  return thread;
}

test("tokens are counted over all models that the engine has had", async () => {
  const thread = startThread();
  const sample = () =>
    thread.call("sample", {
      ...{ id: "g", promptIds: [3, 4], count: 4, temperature: 1, maxNewTokens: 8 },
      ...{ stopTokenIds: [], seed: [1], earlyStop: null },
    });
  const counted: number[] = [];
  for (const run of ["r", "another"]) {
    await thread.call("loadModel", { run, configJson: CONFIG, training: false });
    await sample();
    // The count of a step follows its answers.
    await thread.call("loadModel", { run, configJson: CONFIG, training: false });
    counted.push(thread.tokensSampled);
  }
  expect(counted).toEqual([4 * 8, 2 * 4 * 8]);
});

test("the main thread's loop stays free while the engine samples", async () => {
  const thread = startThread();
  await thread.call("loadModel", { run: "r", configJson: CONFIG, training: false });
  const sampled = thread.call("sample", {
    ...{ id: "g", promptIds: [3, 4], count: 64, temperature: 1, maxNewTokens: 60 },
    ...{ stopTokenIds: [], seed: [1], earlyStop: null },
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
    thread.call("loadModel", { run: "r", configJson: "{}", training: false }),
  ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("calls that are open when the thread is stopped fail, and nobody is told it was lost", async () => {
  let lost = false;
  const thread = startThread(() => (lost = true));
  const call = thread.call("loadModel", { run: "r", configJson: CONFIG, training: true });
  await thread.stop();
  await expect(call).rejects.toThrow("the engine's thread was stopped");
  expect(lost).toBe(false);
});
