import { Rng } from "@gumshoe/core";
import { initialParameters, Model, type ModelConfig, Sampler } from "@gumshoe/engine";

import type { Figure } from "../figure.js";
import type { BenchSettings } from "../settings.js";
import { shapeConfig, type ShapeName } from "./shapes.js";
import { timeSteps } from "./time-steps.js";
import { forwardFlops } from "./work.js";

const PROMPT_TOKENS = 256;

/** Number of sequences, and of new tokens in each. */
const WORK: Record<ShapeName, { batch: number; newTokens: number }> = {
  "2m": { batch: 32, newTokens: 128 },
  "25m": { batch: 32, newTokens: 128 },
  "0.5b": { batch: 8, newTokens: 32 },
};
/** Transformers 5.23, `generate` with sampling, 2 threads of an AMD EPYC: new tokens/s. */
const TRANSFORMERS: Record<ShapeName, number> = { "2m": 4149, "25m": 537, "0.5b": 16 };

/**
 * Times sampling, prompts included: first with a separate prompt for every answer, as in the
 * baseline, then with eight answers per prompt, as in training.
 */
export function benchRollout({ shape, openDevice, seconds }: BenchSettings): Figure[] {
  const config = shapeConfig(shape);
  const { batch, newTokens } = WORK[shape];
  const device = openDevice();
  try {
    const model = new Model({ device, config, training: false });
    model.setParameters(initialParameters(config, 1));
    const sampler = new Sampler({ model });
    const baseline = TRANSFORMERS[shape];
    return [1, 8].map((share) => {
      const numPrompts = batch / share;
      const step = () => sample(sampler, config, { numPrompts, share, newTokens });
      const time = timeSteps(device, step, { flops: flops(config, shape, numPrompts), seconds });
      const rate = (batch * newTokens) / time.seconds;
      const limit = (batch * newTokens) / time.limitSeconds;
      const compared = share === 1 ? { baseline, ratio: rate / baseline } : {};
      const work = `${shape}, ${numPrompts} prompts x ${share} x ${newTokens}`;
      const figure = { name: "sampling", shape: work, median: rate, unit: "new tokens/s" };
      return { ...figure, ...compared, limit, share: time.share };
    });
  } finally {
    device.dispose();
  }
}

function sample(
  sampler: Sampler,
  config: ModelConfig,
  work: { numPrompts: number; share: number; newTokens: number },
): void {
  for (let i = 0; i < work.numPrompts; i++) {
    const rng = new Rng(31, i);
    sampler.add({
      id: String(i),
      promptIds: Int32Array.from({ length: PROMPT_TOKENS }, () => rng.below(config.vocabularySize)),
      count: work.share,
      temperature: 1,
      maxNewTokens: work.newTokens,
      stopTokenIds: [],
      seed: [32, i],
      earlyStop: null,
    });
  }
  sampler.run();
}

/** Counts the operations: each prompt once, then one token of every answer at a time. */
function flops(config: ModelConfig, shape: ShapeName, numPrompts: number): number {
  const { batch, newTokens } = WORK[shape];
  const prompts = numPrompts * PROMPT_TOKENS * forwardFlops(config, PROMPT_TOKENS / 2);
  const answers = batch * newTokens * forwardFlops(config, PROMPT_TOKENS + newTokens / 2);
  return prompts + answers;
}
