import { Rng } from "@gumshoe/core";
import { createCpuDevice, type Device, measureFmaPeak } from "@gumshoe/kernels";

import { Model } from "../model/model.js";
import { Sampler } from "../sampler/sampler.js";
import { initialParameters } from "../weights/initial-parameters.js";
import { type ModelConfig } from "../weights/model-config.js";
import { BASELINES, type RolloutWork } from "./baselines.js";
import { type Figure, median, rateFigure, repeat, type Repetitions } from "./figure.js";
import { forwardFlops } from "./flops.js";
import { shapeConfig, type ShapeName } from "./shapes.js";

const REPETITIONS: Record<ShapeName, Repetitions> = {
  "2m": { warmUp: 1, counted: 5 },
  "25m": { warmUp: 1, counted: 3 },
  "0.5b": { warmUp: 0, counted: 1 },
};
/** Answers of one prompt in the figure for shared prompts, as in a training iteration. */
const SHARED = 8;

interface Timing {
  readonly prefillSeconds: number;
  readonly decodeSeconds: number;
}

/**
 * Times sampling by a new model: as many prompts as answers (what the baseline does), and answers that
 * share their prompt eight by eight (what training does).
 *
 * @param threads  null for all cores
 */
export function benchRollout(shape: ShapeName, threads: number | null = null): Figure[] {
  const device = createCpuDevice(threads === null ? {} : { threads });
  try {
    return measure(device, shape);
  } finally {
    device.dispose();
  }
}

function measure(device: Device, shape: ShapeName): Figure[] {
  const config = shapeConfig(shape);
  const { rollout: work } = BASELINES[shape];
  const peak = measureFmaPeak(device) * 1e9;
  const model = new Model({ device, config, training: false });
  model.setParameters(initialParameters(config, 1));
  model.commit();
  const sampler = new Sampler({ model, kvCacheTokens: 2 * cacheTokens(work) });
  const time = (answersPerPrompt: number) => {
    const timings = repeat(REPETITIONS[shape], () =>
      timeRollout(sampler, config, { ...work, answersPerPrompt }),
    );
    const total = median(timings.map((t) => t.prefillSeconds + t.decodeSeconds));
    return { total, decode: median(timings.map((t) => t.decodeSeconds)) };
  };
  const [alone, shared] = [time(1), time(SHARED)];
  const { answers, newTokens, promptTokens } = work;
  const decodeFlops = answers * forwardFlops(config, newTokens - 1, promptTokens);
  const promptFlops = forwardFlops(config, promptTokens);
  const figure = (name: string, tokens: number, seconds: number) => (flops: number, base: number) =>
    rateFigure({ name, shape, unit: "new tokens/s" }, tokens / seconds, {
      ...{ limit: (tokens * peak) / flops, baseline: base },
    });
  const tokens = answers * newTokens;
  const decoded = answers * (newTokens - 1);
  return [
    figure(
      "rollout",
      tokens,
      alone.total,
    )(decodeFlops + answers * promptFlops, work.tokensPerSecond),
    figure(
      "rollout: without prefill",
      decoded,
      alone.decode,
    )(decodeFlops, work.tokensPerSecondWithoutPrefill),
    figure(
      `rollout: ${SHARED} answers a prompt`,
      tokens,
      shared.total,
    )(decodeFlops + (answers / SHARED) * promptFlops, work.tokensPerSecond),
  ];
}

function timeRollout(
  sampler: Sampler,
  config: ModelConfig,
  work: RolloutWork & { answersPerPrompt: number },
): Timing {
  const numPrompts = work.answers / work.answersPerPrompt;
  const before = sampler.stats.numPrefillTokens;
  for (let prompt = 0; prompt < numPrompts; prompt++) {
    const rng = new Rng(3, prompt);
    sampler.add({
      id: String(prompt),
      promptIds: Array.from({ length: work.promptTokens }, () => rng.below(config.vocabularySize)),
      count: work.answersPerPrompt,
      temperature: 1,
      maxNewTokens: work.newTokens,
      stopTokenIds: [],
      seed: [4, prompt],
      earlyStop: null,
    });
  }
  const startedAtMs = performance.now();
  const promptTokens = numPrompts * work.promptTokens;
  while (sampler.stats.numPrefillTokens - before < promptTokens) sampler.step();
  const prefilledAtMs = performance.now();
  sampler.run();
  return {
    prefillSeconds: (prefilledAtMs - startedAtMs) / 1000,
    decodeSeconds: (performance.now() - prefilledAtMs) / 1000,
  };
}

function cacheTokens(work: RolloutWork): number {
  return work.answers * (work.promptTokens + work.newTokens);
}
