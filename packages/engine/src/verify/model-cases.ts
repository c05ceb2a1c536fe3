import {
  type Aggregation,
  DEFAULT_LOSS,
  GoldenFormatError,
  type GoldenJson,
  type LossConfig,
  mergeMetrics,
  NO_METRICS,
  packLoss,
  weighPacks,
} from "@gumshoe/grpo";

import { at } from "../model/checked.js";
import type { Model } from "../model/model.js";
import { Sampler } from "../sampler/sampler.js";
import { Scorer } from "../trainer/scorer.js";
import { Trainer } from "../trainer/trainer.js";
import { groupPacks, perAnswer, sequencePack, tokenIds } from "./golden-packs.js";
import { sequenceLogits } from "./sequence-logits.js";
import { trainCase } from "./train-case.js";

/** What this machine computes for a case. */
export interface CaseResult {
  /** By output name. */
  readonly outputs: ReadonlyMap<string, ArrayLike<number>>;
  /** Ids and counts that must be equal. */
  readonly exact?: readonly { output: string; ours: number[]; expected: number[] }[];
}

/** Computes a case of each kind; restores the model's weights before it returns. */
export const MODEL_CASES: Readonly<
  Record<string, (model: Model, inputs: GoldenJson) => CaseResult>
> = {
  logits: logitsCase,
  "cross-entropy": crossEntropyCase,
  score: scoreCase,
  grpo: grpoCase,
  train: trainCase,
  greedy: greedyCase,
};

function logitsCase(model: Model, inputs: GoldenJson): CaseResult {
  const sequences = inputs.field("sequences").items();
  const outputs = sequences.map((sequence, i): [string, Float32Array] => [
    `logits.${i}`,
    sequenceLogits(model, [...tokenIds(sequence)]),
  ]);
  return { outputs: new Map(outputs) };
}

function crossEntropyCase(model: Model, inputs: GoldenJson): CaseResult {
  const sequence = [...tokenIds(inputs.field("sequence"))];
  const mask = inputs.field("targetMask").numbers();
  if (mask.length !== sequence.length) {
    throw new GoldenFormatError(
      `${inputs.path}.targetMask`,
      `must hold ${sequence.length} entries`,
    );
  }
  // The first token has no predecessor that could predict it.
  const isTarget = mask.slice(1).map((entry) => entry !== 0);
  const count = isTarget.filter(Boolean).length;
  return withTrainer(model, (trainer) => {
    const [outcome] = trainer.accumulate([sequencePack(sequence, "0")], (_, { logprobs }) => ({
      loss: isTarget.reduce((sum, target, i) => (target ? sum - at(logprobs, i) : sum), 0) / count,
      dLogprob: Float32Array.from(isTarget, (target) => (target ? -1 / count : 0)),
      dEntropy: null,
    }));
    return { outputs: new Map([["loss", [outcome?.loss ?? NaN]], ...gradients(trainer)]) };
  });
}

function scoreCase(model: Model, inputs: GoldenJson): CaseResult {
  const temperature = inputs.field("temperature").number();
  const scorer = new Scorer(model);
  const outputs = new Map<string, Float32Array>();
  try {
    for (const [g, pack] of groupPacks(inputs.field("groups")).entries()) {
      const scores = scorer.score(pack, { temperature });
      for (const kind of ["logprobs", "entropies"] as const) {
        for (const [a, values] of perAnswer(pack, scores[kind]).entries()) {
          outputs.set(`${kind}.${g}.${a}`, values);
        }
      }
    }
  } finally {
    scorer.dispose();
  }
  return { outputs };
}

function grpoCase(model: Model, inputs: GoldenJson): CaseResult {
  const config: LossConfig = {
    ...DEFAULT_LOSS,
    clipLow: inputs.field("clipLow").number(),
    clipHigh: inputs.field("clipHigh").number(),
    aggregation: aggregationOf(inputs.field("aggregation")),
  };
  const advantages = inputs.field("advantages").numberLists();
  const oldLogprobs = inputs
    .field("oldLogprobs")
    .items()
    .map((group) => group.numbers());
  const groups = groupPacks(inputs.field("groups")).map((pack, g) => ({
    ...pack,
    answers: pack.answers.map((answer, a) => {
      const advantage = advantages[g]?.[a];
      if (advantage !== undefined) return { ...answer, advantage };
      throw new GoldenFormatError(`${inputs.path}.advantages[${g}][${a}]`, "is missing");
    }),
  }));
  return withTrainer(model, (trainer) => {
    let metrics = NO_METRICS;
    trainer.accumulate(weighPacks(groups, config.aggregation), (pack, scores, index) => {
      const result = packLoss(pack, config, {
        newLogprobs: scores.logprobs,
        entropies: scores.entropies,
        oldLogprobs: oldLogprobs[index] ?? null,
      });
      metrics = mergeMetrics([metrics, result.metrics]);
      return result;
    });
    const ours = [metrics.numClippedLow + metrics.numClippedHigh];
    const expected = [inputs.field("tokensClipped").number()];
    return {
      outputs: new Map([["loss", [metrics.loss]], ...gradients(trainer)]),
      exact: [{ output: "tokensClipped", ours, expected }],
    };
  });
}

function greedyCase(model: Model, inputs: GoldenJson): CaseResult {
  const expected = [...tokenIds(inputs.field("continuation"))];
  const sampler = new Sampler({ model, kvCacheTokens: 4096 });
  try {
    sampler.add({
      id: "greedy",
      promptIds: tokenIds(inputs.field("prompt")),
      count: 1,
      temperature: 0,
      maxNewTokens: expected.length,
      stopTokenIds: [],
      seed: [0],
      earlyStop: null,
    });
    const ours = [...(sampler.run()[0]?.rollouts[0]?.tokens ?? [])];
    return { outputs: new Map(), exact: [{ output: "continuation", ours, expected }] };
  } finally {
    sampler.dispose();
  }
}

function aggregationOf(field: GoldenJson): Aggregation {
  const type = field.text();
  if (type === "sequence-mean" || type === "token-mean") return { type };
  const problem = `is ${type}; known are sequence-mean, token-mean`;
  throw new GoldenFormatError(field.path, problem);
}

function withTrainer(model: Model, compute: (trainer: Trainer) => CaseResult): CaseResult {
  const trainer = new Trainer({ model });
  try {
    trainer.zeroGradient();
    return compute(trainer);
  } finally {
    trainer.dispose();
  }
}

/** The gradient of every trainable parameter, by output name. */
function gradients(trainer: Trainer): [string, ArrayLike<number>][] {
  const flat = trainer.readGradient();
  return trainer.model.trainable.layout.entries.map(({ name, start, end }) => [
    `grad.${name}`,
    flat.subarray(start, end),
  ]);
}
