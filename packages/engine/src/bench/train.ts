import { Rng } from "@gumshoe/core";
import { type Pack } from "@gumshoe/grpo";
import { createCpuDevice, measureFmaPeak } from "@gumshoe/kernels";

import { Model } from "../model/model.js";
import { Trainer } from "../trainer/trainer.js";
import { initialParameters } from "../weights/initial-parameters.js";
import { type ModelConfig } from "../weights/model-config.js";
import { BASELINES, type TrainWork } from "./baselines.js";
import { type Figure, median, rateFigure, repeat, type Repetitions } from "./figure.js";
import { trainingFlops } from "./flops.js";
import { shapeConfig, type ShapeName } from "./shapes.js";

const REPETITIONS: Record<ShapeName, Repetitions> = {
  "2m": { warmUp: 1, counted: 7 },
  "25m": { warmUp: 1, counted: 3 },
  "0.5b": { warmUp: 0, counted: 1 },
};

/**
 * Times training steps of a new model: forward and backward with cross entropy over whole sequences.
 *
 * @param threads  null for all cores
 */
export function benchTrain(shape: ShapeName, threads: number | null = null): Figure[] {
  const config = shapeConfig(shape);
  const { train: work } = BASELINES[shape];
  const device = createCpuDevice(threads === null ? {} : { threads });
  try {
    const peak = measureFmaPeak(device) * 1e9;
    const model = new Model({ device, config, training: true });
    model.setParameters(initialParameters(config, 1));
    model.commit();
    const trainer = new Trainer({ model });
    const packs = sequencesAsPacks(config, work);
    const seconds = median(repeat(REPETITIONS[shape], () => timeStep(trainer, packs)));
    const flops = trainingFlops(config, work.tokens) * work.sequences;
    const tokens = work.sequences * work.tokens;
    return [
      rateFigure({ name: "train", shape, unit: "tokens/s" }, tokens / seconds, {
        limit: (tokens * peak) / flops,
        baseline: work.tokensPerSecond,
      }),
      rateFigure({ name: "train: products", shape, unit: "GFLOP/s" }, flops / seconds / 1e9, {
        ...{ limit: peak / 1e9, baseline: null },
      }),
    ];
  } finally {
    device.dispose();
  }
}

function timeStep(trainer: Trainer, packs: readonly Pack[]): number {
  const startedAtMs = performance.now();
  trainer.zeroGradient();
  trainer.accumulate(packs, (_, { logprobs }) => ({
    loss: 0,
    dLogprob: new Float32Array(logprobs.length).fill(-1 / logprobs.length),
    dEntropy: null,
  }));
  return (performance.now() - startedAtMs) / 1000;
}

/** Every token but the first is a target, as in language modelling. */
function sequencesAsPacks(config: ModelConfig, work: TrainWork): Pack[] {
  return Array.from({ length: work.sequences }, (_, sequence) => {
    const rng = new Rng(2, sequence);
    const draw = (length: number) =>
      Int32Array.from({ length }, () => rng.below(config.vocabularySize));
    const answer = { rollout: 0, tokens: draw(work.tokens - 1), logprobs: new Float32Array(0) };
    return {
      groupKey: String(sequence),
      promptTokens: draw(1),
      answers: [{ ...answer, advantage: 1, weight: 1 }],
    };
  });
}
