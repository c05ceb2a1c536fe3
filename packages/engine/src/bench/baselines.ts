import { type ShapeName } from "./shapes.js";

/** Work of one figure of training: sequences of equal length, forward and backward, cross entropy. */
export interface TrainWork {
  readonly sequences: number;
  readonly tokens: number;
}

/** Work of one figure of sampling. */
export interface RolloutWork {
  readonly answers: number;
  readonly promptTokens: number;
  readonly newTokens: number;
}

/** What others reach with the same work, in tokens/s; new tokens where tokens are sampled. */
export interface Baseline {
  readonly train: TrainWork & { readonly tokensPerSecond: number };
  readonly rollout: RolloutWork & {
    /** The whole call, every prompt computed. */
    readonly tokensPerSecond: number;
    readonly tokensPerSecondWithoutPrefill: number;
  };
}

/**
 * PyTorch 2.13 (training) and Transformers 5.23 `generate` (sampling), float32, 2 threads on 2 cores of
 * an AMD EPYC (Zen 5, AVX-512, about 500 GFLOP/s), medians. On another machine the ratio to these says
 * little: compare the share of the limit.
 */
export const BASELINES: Readonly<Record<ShapeName, Baseline>> = {
  "2m": {
    train: { sequences: 16, tokens: 512, tokensPerSecond: 8576 },
    rollout: {
      ...{ answers: 32, promptTokens: 256, newTokens: 128 },
      ...{ tokensPerSecond: 4149, tokensPerSecondWithoutPrefill: 5483 },
    },
  },
  "25m": {
    train: { sequences: 8, tokens: 512, tokensPerSecond: 861 },
    rollout: {
      ...{ answers: 32, promptTokens: 256, newTokens: 128 },
      ...{ tokensPerSecond: 537, tokensPerSecondWithoutPrefill: 836 },
    },
  },
  "0.5b": {
    train: { sequences: 2, tokens: 512, tokensPerSecond: 45 },
    rollout: {
      ...{ answers: 8, promptTokens: 256, newTokens: 32 },
      ...{ tokensPerSecond: 16, tokensPerSecondWithoutPrefill: 93 },
    },
  },
};
