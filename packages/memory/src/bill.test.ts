import { checkRunConfig, type RunConfig } from "@gumshoe/config";
import { parameterLayout, parseModelConfig } from "@gumshoe/engine";
import { expect, test } from "vitest";

import { type Bill, type BilledRun, billOf } from "./bill.js";
import { controlBytes, workerBytes } from "./fixed-costs.js";

/** The shape of Qwen2.5-0.5B. */
export const QWEN = parseModelConfig({
  model_type: "qwen2",
  hidden_size: 896,
  intermediate_size: 4864,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  vocab_size: 151_936,
  max_position_embeddings: 32_768,
  rope_theta: 1e6,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
});
const PARAMETERS = parameterLayout(QWEN).numParameters;
const ONE_EACH = { inference: 1, trainers: 1, reducers: 1 };

function run(changes: Record<string, unknown> = {}): BilledRun {
  const source = { type: "generate", tier: "mini", seed: 1 };
  const config: RunConfig = checkRunConfig({
    name: "billed",
    type: "grpo",
    model: "none",
    tasks: { source, perIteration: 8 },
    rollouts: { perTask: 8, maxAnswerTokens: 64 },
    updatesPerIteration: 1,
    ...changes,
  });
  return { config, model: QWEN, tokens: { prompt: 250, example: null } };
}

test("the step takes 20 bytes a parameter, the embedding's share, and what the processes take", () => {
  const bill = billOf(run(), ONE_EACH, Infinity);
  const { vocabularySize, width } = QWEN;
  const fixed = 3 * workerBytes(vocabularySize) + controlBytes(vocabularySize);
  const share = 4 * vocabularySize * width;
  const rest = bill.phases.step - fixed - share;
  expect(rest / PARAMETERS).toBeGreaterThanOrEqual(20);
  expect(rest / PARAMETERS).toBeLessThan(20.01);
  expect(bill.reducer.optimizer).toBe(8 * PARAMETERS);
  expect(bill.trainer.gradients).toBe(4 * PARAMETERS + share);
});

test("another inference worker costs its own part and no weights; another reducer halves the ranges", () => {
  const one = billOf(run(), ONE_EACH, Infinity);
  const more = billOf(run(), { ...ONE_EACH, inference: 2, reducers: 2 }, Infinity);
  const { keysAndValues, activations, fixed } = one.inference;
  expect(more.phases.sampling - one.phases.sampling).toBeCloseTo(
    keysAndValues + activations + 2 * fixed,
  );
  expect(more.phases.step - one.phases.step).toBeCloseTo(2 * fixed);
  expect(more.reducer.optimizer).toBe(one.reducer.optimizer / 2);
});

test("a trainer beside another holds a lane that came too early, copied by the reducers", () => {
  const one = billOf(run(), ONE_EACH, Infinity);
  const two = billOf(run(), { ...ONE_EACH, trainers: 2 }, Infinity);
  const { gradients, activations, fixed } = one.trainer;
  const own = gradients + activations + fixed;
  expect(two.phases.gradients - one.phases.gradients).toBeCloseTo(own + 4 * PARAMETERS);
  const lanes = billOf(run({ lanes: 1 }), { ...ONE_EACH, trainers: 2 }, Infinity);
  expect(two.phases.gradients - lanes.phases.gradients).toBeGreaterThanOrEqual(4 * PARAMETERS);
});

test("an old version of the weights is kept where updates follow each other", () => {
  const steps = [1, 2].map(
    (updatesPerIteration) => billOf(run({ updatesPerIteration }), ONE_EACH, Infinity).phases.step,
  );
  expect(((steps[1] ?? 0) - (steps[0] ?? 0)) / PARAMETERS).toBeCloseTo(4, 1);
});

test("staleness costs its older versions of the weights, and sampling beside gradients and steps", () => {
  const plain = billOf(run(), ONE_EACH, Infinity);
  const stale = billOf(run({ staleness: 2 }), ONE_EACH, Infinity);
  const versions = 2 * 4 * PARAMETERS;
  const sampling = plain.inference.keysAndValues + plain.inference.activations;
  expect(stale.phases.sampling - plain.phases.sampling).toBeCloseTo(versions);
  expect(stale.phases.gradients - plain.phases.gradients).toBeCloseTo(versions + sampling);
  expect(stale.phases.step - plain.phases.step).toBeCloseTo(versions + sampling);
  expect(stale.reducer.weights).toBe(2 * plain.reducer.weights);
  // A machine without reducers maps the sampled version beside the trained one.
  const apart = { ...ONE_EACH, reducers: 0, allReducers: 1 };
  const far = billOf(run({ staleness: 2 }), apart, Infinity).phases.sampling;
  expect(far - billOf(run(), apart, Infinity).phases.sampling).toBeCloseTo(4 * PARAMETERS);
});

test("a reference costs 4 bytes for each trained number, once, in the trainers", () => {
  const workers = { ...ONE_EACH, trainers: 2 };
  for (const lora of [null, { rank: 64, alpha: 32 }]) {
    const plain = billOf(run({ lora }), workers, Infinity);
    const bill = billOf(run({ lora, loss: { klCoefficient: 0.1 } }), workers, Infinity);
    const bytes = 4 * plain.numTrained;
    expect((bill.trainer.weights - plain.trainer.weights) / bytes).toBeCloseTo(1, 2);
    expect((bill.phases.gradients - plain.phases.gradients) / bytes).toBeCloseTo(1, 2);
    expect(bill.inference).toEqual(plain.inference);
    expect(bill.reducer).toEqual(plain.reducer);
  }
});

test("adapters cost about 20 bytes for each of their numbers, and the base 4 once", () => {
  const [half, whole] = [64, 128].map((rank) =>
    billOf(run({ lora: { rank, alpha: 32 } }), ONE_EACH, Infinity),
  ) as [Bill, Bill];
  const numbers = whole.numTrained - half.numTrained;
  expect(numbers).toBe(half.numTrained);
  // 4 of weights, 8 of moments, 4 of the sum, 4 of the next version.
  expect((whole.phases.step - half.phases.step) / numbers).toBeCloseTo(20, 3);
  expect(half.reducer.optimizer).toBe(8 * half.numTrained);
  expect((half.trainer.weights - 4 * half.numTrained) / PARAMETERS).toBeCloseTo(4, 2);
  expect(half.trainer.gradients).toBe(4 * half.numTrained);
  expect(half.reducer.weights).toBe(8 * half.numTrained);
  expect(half.trainer.activations).toBeGreaterThan(
    billOf(run(), ONE_EACH, Infinity).trainer.activations,
  );
});

test("auto keeps all activations where memory is left for them, and computes layers again elsewhere", () => {
  const long = { rollouts: { perTask: 16, maxAnswerTokens: 100 }, maxPackTokens: 2048 };
  const roomy = billOf(run(long), ONE_EACH, 64e9);
  const tight = billOf(run(long), ONE_EACH, 16e9);
  expect([roomy.checkpointing, tight.checkpointing]).toEqual(["none", "layer"]);
  expect(tight.trainer.activations).toBeLessThan(roomy.trainer.activations / 3);
  const forced = billOf(run({ ...long, checkpointing: "none" }), ONE_EACH, 16e9);
  expect(forced.trainer.activations).toBe(roomy.trainer.activations);
});

test("keys and values are for what is in flight, and for less where memory is short, down to one answer", () => {
  const { layers, kvHeads, headDim } = QWEN;
  const perBlock = 2 * 4 * 16 * layers * kvHeads * headDim;
  const blocks = (limitBytes: number, changes: Record<string, unknown> = {}) =>
    billOf(run(changes), ONE_EACH, limitBytes).inference.keysAndValues / perBlock;
  // Eight prompts of 16 blocks, 64 answers of 4.
  expect(blocks(Infinity)).toBe(8 * 16 + 64 * 4);
  expect(blocks(1e9)).toBe(16 + 4);
  expect(blocks(Infinity, { rollouts: { perTask: 64, maxAnswerTokens: 64 } })).toBe(
    8 * 16 + 256 * 4,
  );
});

test("a run without validation that learns from given answers samples nothing", () => {
  const source = { type: "generate", tier: "mini", seed: 1 };
  const config = checkRunConfig({ name: "s", type: "sft", model: "none", examples: { source } });
  const tokens = { prompt: 250, example: 300 };
  const { inference } = billOf({ config, model: QWEN, tokens }, ONE_EACH, Infinity);
  expect([inference.keysAndValues, inference.activations]).toEqual([0, 0]);
});

test("a machine without reducers or control pays for its own workers alone", () => {
  const workers = { inference: 1, trainers: 0, reducers: 0, allReducers: 2, hasControl: false };
  const { total, inference } = billOf(run(), workers, Infinity);
  expect(total).toBe(inference.total);
});
