/** How an answer ended: by a stop token, at the length limit, or as degenerate (early-stop.ts). */
export type Finish = "stop" | "length" | "early-stop";

/** One sampled answer. Token ids are the truth; text is only shown. */
export interface Rollout {
  /** Sampled ids [T], the stop token included. */
  readonly tokens: Int32Array;
  /** Log-probs [T] in nats that the sampler reported, at the temperature it sampled with. */
  readonly logprobs: Float32Array;
  /** Score of the answer; null when it could not be scored, which is not the same as wrong. */
  readonly reward: number | null;
  readonly finish: Finish;
}

/** All rollouts of one task in one iteration. */
export interface Group {
  /** Names the group in errors and metrics, e.g. `3/train/17`. */
  readonly key: string;
  /** Ids of the prompt, to the end of the generation prompt and no further. */
  readonly promptTokens: Int32Array;
  readonly rollouts: readonly Rollout[];
}
