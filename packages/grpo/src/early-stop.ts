/** When an answer counts as degenerate. */
export interface EarlyStopConfig {
  /** Share of the old mean that is kept at each token, e.g. 0.992. */
  readonly alpha: number;
  /** Mean log-prob in nats under which the answer is stopped, e.g. -3. */
  readonly threshold: number;
}

/** The recipe's values: a constant log-prob of -4 stops an answer after 173 tokens, -3 never does. */
export const DEFAULT_EARLY_STOP: EarlyStopConfig = Object.freeze({ alpha: 0.992, threshold: -3 });

/**
 * Takes one more token into the exponentially weighted mean of log-probs.
 *
 * The mean starts at 0 and is not corrected for it, so that the first hundred tokens are given time.
 * A log-prob that is not a number stops the answer.
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

/** Watches one answer. */
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

  /** Takes the next token's log-prob; says whether the answer is degenerate and ends here. */
  push(logprob: number): boolean {
    const { mean, stop } = earlyStopStep(this.#mean, logprob, this.#config);
    this.#mean = mean;
    return stop;
  }
}
