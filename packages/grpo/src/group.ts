import type { SegmentedTokens } from "./segments.js";

/**
 * How an answer ended: by a stop token, with a stop string in its text, at the length limit, or as degenerate
 * (early-stop.ts).
 */
export type Finish = "stop" | "stop-string" | "length" | "early-stop";

/**
 * One answer: its token ids, stop tokens included, and which of them were sampled. Training uses the ids; the text is
 * for display.
 */
export interface Rollout extends SegmentedTokens {
  /** Log-probs of the sampled tokens, in nats, as reported by the sampler at its temperature. */
  readonly logprobs: Float32Array;
  /** Score of the answer; null when it could not be scored, which is different from wrong. */
  readonly reward: number | null;
  /** The rewards that it is made of, by name; absent where there is only one. */
  readonly rewards?: Readonly<Record<string, number>>;
  readonly finish: Finish;
}

/** All rollouts of one task in one iteration. */
export interface Group {
  /** Name of the group in errors and metrics, e.g. `3/train/17`. */
  readonly key: string;
  /** Token ids of the prompt, up to the end of the generation prompt. */
  readonly promptTokens: Int32Array;
  readonly rollouts: readonly Rollout[];
}
