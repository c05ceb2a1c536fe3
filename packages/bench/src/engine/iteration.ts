/**
 * One GRPO iteration in a single process: sample, score, train, load the new weights. The same work
 * as the published baseline: 8 prompts of 256 tokens, 8 answers of exactly 128 tokens each, one
 * update.
 */
import { Rng } from "@gumshoe/core";
import {
  Model,
  type ModelConfig,
  initialParameters,
  ParameterShard,
  Sampler,
  type SampleResult,
  Trainer,
} from "@gumshoe/engine";
import { DEFAULT_LOSS, type Group, packLoss, planUpdates } from "@gumshoe/grpo";
import type { Device } from "@gumshoe/kernels";

import type { Figure } from "../figure.js";
import type { BenchSettings } from "../settings.js";
import { shapeConfig } from "./shapes.js";
import { type StepTime, timeSteps } from "./time-steps.js";
import { forwardFlops } from "./work.js";

const NUM_PROMPTS = 8;
const PROMPT_TOKENS = 256;
const ANSWERS_PER_PROMPT = 8;
const ANSWER_TOKENS = 128;
/** TRL's GRPOTrainer on 2 cores of an AMD EPYC; see docs/performance.md. */
const TRL_SECONDS_2M = 5.8;

const OPTIMIZER = { lr: 1e-5, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0 };
const RULES = {
  advantage: "grpo",
  truncated: "keep",
  aggregation: { type: "sequence-mean" },
  updatesPerIteration: 1,
  lanes: 1,
  maxPackTokens: 2048,
} as const;
/** Elements per block of the gradient norm. */
const NORM_BLOCK = 65_536;

/** Times iterations of a new model of the given shape. */
export function benchIteration({ shape, openDevice, seconds }: BenchSettings): Figure[] {
  const device = openDevice();
  try {
    const config = shapeConfig(shape);
    const bench = new IterationBench(device, config);
    let iteration = 0;
    const work = { flops: iterationFlops(config), seconds };
    return describe(
      shape,
      timeSteps(device, () => bench.run(iteration++), work),
    );
  } finally {
    device.dispose();
  }
}

/** Counts the operations of sampling and of training on every token: prompts once, all answers. */
function iterationFlops(config: ModelConfig): number {
  const prompts = NUM_PROMPTS * PROMPT_TOKENS * forwardFlops(config, PROMPT_TOKENS / 2);
  const numAnswerTokens = NUM_PROMPTS * ANSWERS_PER_PROMPT * ANSWER_TOKENS;
  const answers = numAnswerTokens * forwardFlops(config, PROMPT_TOKENS + ANSWER_TOKENS / 2);
  return 4 * (prompts + answers);
}

class IterationBench {
  readonly #model: Model;
  readonly #sampler: Sampler;
  readonly #trainer: Trainer;
  readonly #shard: ParameterShard;

  constructor(
    device: Device,
    private readonly config: ModelConfig,
  ) {
    const parameters = initialParameters(config, 1);
    this.#model = new Model({ device, config, training: true });
    this.#model.setParameters(parameters);
    this.#sampler = new Sampler({ model: this.#model });
    this.#trainer = new Trainer({ model: this.#model });
    this.#shard = ParameterShard.ofVector(device, parameters);
  }

  run(iteration: number): void {
    const { updates } = planUpdates(this.#sample(iteration), RULES);
    for (const update of updates) this.#learn(update.lanes.flat(), iteration);
  }

  #sample(iteration: number): Group[] {
    const results = new Map<string, SampleResult>();
    for (let task = 0; task < NUM_PROMPTS; task++) {
      const rng = new Rng(11, iteration, task);
      this.#sampler.add({
        id: String(task),
        promptIds: Array.from({ length: PROMPT_TOKENS }, () =>
          rng.below(this.config.vocabularySize),
        ),
        count: ANSWERS_PER_PROMPT,
        temperature: 1,
        maxNewTokens: ANSWER_TOKENS,
        stopTokenIds: [],
        seed: [12, iteration, task],
        earlyStop: null,
      });
    }
    for (const result of this.#sampler.run()) results.set(result.id, result);
    return [...results.values()].map((result) => ({
      key: `${iteration}/train/${result.id}`,
      promptTokens: result.promptIds,
      rollouts: result.rollouts.map((rollout, i) => ({ ...rollout, reward: i % 2 })),
    }));
  }

  #learn(packs: Parameters<Trainer["accumulate"]>[0], iteration: number): void {
    this.#trainer.zeroGradient();
    this.#trainer.accumulate(packs, (pack, { logprobs, entropies }) =>
      packLoss(pack, DEFAULT_LOSS, { newLogprobs: logprobs, entropies }),
    );
    this.#shard.zeroGradient();
    this.#shard.addLane(this.#trainer.readGradient());
    const norm = Math.sqrt(this.#shard.sumSquares(NORM_BLOCK).reduce((sum, x) => sum + x, 0));
    const gradScale = Math.min(1, 1 / (norm + 1e-6));
    this.#shard.step({ ...OPTIMIZER, step: iteration + 1, gradScale });
    const parameters = new Float32Array(this.#shard.length);
    this.#shard.readMaster(parameters);
    this.#model.setParameters(parameters);
  }
}

function describe(shape: string, time: StepTime): Figure[] {
  const { seconds, limitSeconds: limit, share } = time;
  const tokens = NUM_PROMPTS * ANSWERS_PER_PROMPT * ANSWER_TOKENS;
  const baseline =
    shape === "2m" ? { baseline: TRL_SECONDS_2M, ratio: TRL_SECONDS_2M / seconds } : {};
  return [
    { name: "iteration", shape, median: seconds, unit: "s", ...baseline, limit, share },
    { name: "iteration: sampled", shape, median: tokens / seconds, unit: "tokens/s" },
  ];
}
