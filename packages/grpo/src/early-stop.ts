/** The criterion for a degenerate answer. */
export interface EarlyStopConfig {
  /** Decay: share of the previous mean that each token keeps, e.g. 0.992. */
  readonly alpha: number;
  /** Mean log-prob, in nats, below which the answer is stopped, e.g. -3. */
  readonly threshold: number;
}

/** The recipe's values: a constant log-prob of -4 stops after 173 tokens, -3 never does. */
export const DEFAULT_EARLY_STOP: EarlyStopConfig = Object.freeze({ alpha: 0.992, threshold: -3 });

/**
 * Updates the exponentially weighted mean of log-probs with one token.
 *
 * The mean starts at 0 without bias correction, which gives the first hundred tokens some leeway. A
 * log-prob that is not a number stops the answer at once.
 *
 * @returns the new mean, and whether the answer ends with this token
 */
export function earlyStopStep(
  mean: number,
  logprob: number,
  config: EarlyStopConfig,
): { mean: number; stop: boolean } {
  const next = config.alpha * mean + (1 - config.alpha) * logprob;
  return { mean: next, stop: !(next >= config.threshold) };
}

/** Tracks the mean log-prob of one answer. */
export class EarlyStop {
  readonly #config: EarlyStopConfig;
  #mean = 0;

  constructor(config: EarlyStopConfig = DEFAULT_EARLY_STOP) {
    this.#config = config;
  }

  /** The exponentially weighted mean log-prob so far, in nats. */
  get mean(): number {
    return this.#mean;
  }

  /** Adds the next token's log-prob; returns whether the answer is degenerate and ends here. */
  push(logprob: number): boolean {
    const { mean, stop } = earlyStopStep(this.#mean, logprob, this.#config);
    this.#mean = mean;
    return stop;
  }
}
