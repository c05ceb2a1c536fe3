import { checkRunConfig } from "@gumshoe/config";
import { parseModelConfig } from "@gumshoe/engine";
import { expect, test } from "vitest";

import { type BilledRun, billOf } from "./bill.js";
import { RunTooLargeError } from "./errors.js";
import { checkFits } from "./fit.js";

const MODEL = parseModelConfig({
  model_type: "llama",
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  vocab_size: 49_152,
  max_position_embeddings: 8192,
  tie_word_embeddings: true,
});
const WORKERS = { inference: 2, trainers: 3, reducers: 1 };

function run(changes: Record<string, unknown> = {}): BilledRun {
  const source = { type: "generate", tier: "mini", seed: 1 };
  const tasks = { source, perIteration: 8 };
  const config = checkRunConfig({ name: "billed", type: "grpo", model: "none", tasks, ...changes });
  return { config, model: MODEL, tokens: { prompt: 250, example: null } };
}

function refusal(limitBytes: number, changes: Record<string, unknown> = {}): string {
  try {
    checkFits(run(changes), WORKERS, { limitBytes, where: "this machine" });
  } catch (thrown) {
    if (thrown instanceof RunTooLargeError) return thrown.message;
    throw thrown;
  }
  throw new Error("not refused");
}

test("a run that fits is taken with its bill", () => {
  const bill = checkFits(run(), WORKERS, { limitBytes: 64e9, where: "this machine" });
  expect(bill.total).toBe(billOf(run(), WORKERS, 64e9).total);
});

test("a run that does not fit is refused with the bill and the cheapest change that helps", () => {
  expect(refusal(6e9)).toMatch(
    /^run billed needs \d+\.\d GB of memory on this machine, which has 6\.0 GB \(most in the phase of gradients, 2 inference: .*, 3 trainer: .*weights are shared\): --inference 1, --trainers 1 \(\d\.\d GB\); --allow-overcommit starts it all the same$/,
  );
});

test("a setting that costs memory is named", () => {
  const changes = {
    checkpointing: "none",
    rollouts: { perTask: 64, maxAnswerTokens: 100 },
    maxPackTokens: 8192,
  };
  expect(refusal(6e9, changes)).toContain(": --inference 1, --trainers 1, checkpointing: auto (");
});

test("an adapter is advised where training all weights does not fit, however few workers there are", () => {
  expect(refusal(2e9)).toMatch(
    /: --inference 1, --trainers 1, maxPackTokens: 448, lora: \{\} \(1\.8 GB\); /,
  );
  expect(refusal(1.2e9, { lora: {} })).toMatch(/: no setting makes it fit, /);
});

test("where no setting helps, the largest model that would fit is named, and a machine for each role", () => {
  expect(refusal(1e9)).toMatch(
    /: no setting makes it fit, \d\.\d GB are the least; take a model of at most \d+ million parameters, or a machine for each role: inference \d\.\d, trainer \d\.\d, reducer \d\.\d GB; /,
  );
});
