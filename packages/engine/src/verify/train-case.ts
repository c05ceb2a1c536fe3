import { GoldenFormatError, type GoldenJson, type Pack, packLoss, weighPacks } from "@gumshoe/grpo";

import type { Model } from "../model/model.js";
import { ParameterShard } from "../trainer/parameter-shard.js";
import { Trainer } from "../trainer/trainer.js";
import { sequencePack, tokenIds } from "./golden-packs.js";

/** Elements per block of the norm's sum. */
const NORM_BLOCK = 4096;
/** Added to the norm before it divides, as PyTorch's clipping does. */
const NORM_EPS = 1e-6;

/** Takes optimizer steps on a few sequences; restores the model's weights afterwards. */
export function trainCase(
  model: Model,
  inputs: GoldenJson,
): { outputs: ReadonlyMap<string, ArrayLike<number>> } {
  const sequences = inputs.field("sequences").items();
  const packs = weighPacks(
    sequences.map((sequence, i) => sequencePack([...tokenIds(sequence)], String(i))),
    { type: "sequence-mean" },
  );
  const steps = inputs.field("steps").number();
  const optimizer = readOptimizer(inputs.field("optimizer"));
  const before = new Float32Array(model.trainable.layout.numParameters);
  model.readTrainable(before);
  const trainer = new Trainer({ model });
  const shard = ParameterShard.ofVector(model.device, before);
  const losses: number[] = [];
  const gradNorms: number[] = [];
  const parameters = before.slice();
  try {
    for (let step = 1; step <= steps; step++) {
      losses.push(computeLoss(trainer, packs));
      shard.zeroGradient();
      shard.addLane(trainer.readGradient());
      const norm = Math.sqrt(shard.sumSquares(NORM_BLOCK).reduce((sum, block) => sum + block, 0));
      gradNorms.push(norm);
      const gradScale = Math.min(1, optimizer.maxGradNorm / (norm + NORM_EPS));
      shard.step({ ...optimizer, step, gradScale });
      shard.readMaster(parameters);
      model.setTrainable(parameters);
    }
    losses.push(computeLoss(trainer, packs));
  } finally {
    shard.dispose();
    trainer.dispose();
    model.setTrainable(before);
  }
  const outputs = new Map<string, ArrayLike<number>>([
    ["losses", losses],
    ["gradNorms", gradNorms],
  ]);
  for (const { name, start, end } of model.trainable.layout.entries) {
    outputs.set(`after.${name}`, parameters.subarray(start, end));
  }
  return { outputs };
}

function computeLoss(trainer: Trainer, packs: readonly Pack[]): number {
  trainer.zeroGradient();
  const outcomes = trainer.accumulate(packs, (pack, { logprobs, entropies }) =>
    packLoss(pack, { policy: "cross-entropy" }, { newLogprobs: logprobs, entropies }),
  );
  return outcomes.reduce((sum, { loss }) => sum + loss, 0);
}

function readOptimizer(field: GoldenJson) {
  const type = field.field("type").text();
  if (type !== "adamw") throw new GoldenFormatError(`${field.path}.type`, `is ${type}, not adamw`);
  const number = (name: string) => field.field(name).number();
  return {
    lr: number("lr"),
    beta1: number("beta1"),
    beta2: number("beta2"),
    eps: number("eps"),
    weightDecay: number("weightDecay"),
    maxGradNorm: number("maxGradNorm"),
  };
}
