import { Rng } from "@gumshoe/core";
import { initialParameters, Model, Trainer } from "@gumshoe/engine";
import { type Pack, packLoss } from "@gumshoe/grpo";

import type { Figure } from "../figure.js";
import type { BenchSettings } from "../settings.js";
import { shapeConfig, type ShapeName } from "./shapes.js";
import { timeSteps } from "./time-steps.js";
import { trainingFlops } from "./work.js";

const SEQUENCE_TOKENS = 512;
const BATCH: Record<ShapeName, number> = { "2m": 16, "25m": 8, "0.5b": 2 };
/** PyTorch 2.13, float32, 2 threads of an AMD EPYC: tokens/s. */
const PYTORCH: Record<ShapeName, number> = { "2m": 8576, "25m": 861, "0.5b": 45 };

/** Times training steps: forward and backward with cross entropy over sequences of 512 tokens. */
export function benchTrain({ shape, openDevice, seconds }: BenchSettings): Figure[] {
  const config = shapeConfig(shape);
  const device = openDevice();
  try {
    const model = new Model({ device, config, training: true });
    model.setParameters(initialParameters(config, 1));
    const trainer = new Trainer({ model, maxBatchRows: BATCH[shape] * SEQUENCE_TOKENS });
    const packs = Array.from({ length: BATCH[shape] }, (_, i) =>
      randomSequence(i, config.vocabularySize),
    );
    const step = () => {
      trainer.zeroGradient();
      trainer.accumulate(packs, (pack, { logprobs, entropies }) =>
        packLoss(pack, { policy: "cross-entropy" }, { newLogprobs: logprobs, entropies }),
      );
    };
    const flops = BATCH[shape] * trainingFlops(config, SEQUENCE_TOKENS);
    const time = timeSteps(device, step, { flops, seconds });
    const numTokens = BATCH[shape] * SEQUENCE_TOKENS;
    const rate = numTokens / time.seconds;
    const limit = numTokens / time.limitSeconds;
    const baseline = PYTORCH[shape];
    const name = "training step";
    const work = `${shape}, ${BATCH[shape]} x ${SEQUENCE_TOKENS}`;
    return [
      {
        name,
        shape: work,
        median: rate,
        unit: "tokens/s",
        baseline,
        ratio: rate / baseline,
        limit,
        share: time.share,
      },
    ];
  } finally {
    device.dispose();
  }
}

/** Returns a sequence in which every token but the first is a target. */
function randomSequence(index: number, vocabularySize: number): Pack {
  const rng = new Rng(21, index);
  const ids = Int32Array.from({ length: SEQUENCE_TOKENS }, () => rng.below(vocabularySize));
  const answer = {
    rollout: 0,
    tokens: ids.slice(1),
    logprobs: new Float32Array(0),
    advantage: 0,
    weight: 1 / SEQUENCE_TOKENS,
  };
  return { groupKey: `bench/${index}`, promptTokens: ids.slice(0, 1), answers: [answer] };
}
