import { meanInterval, type MeanInterval } from "@gumshoe/grpo";

/** What `k` answers to each task achieve. */
export interface SeveralAnswers {
  readonly k: number;
  /** Probability that at least one of `k` answers has the full reward; null without a task that has `k`. */
  readonly pass: MeanInterval | null;
  /** Expected best reward among `k` answers. */
  readonly best: MeanInterval | null;
}

/** Rewards from which on an answer counts as right: graders may sum fractions. */
const FULL_REWARD = 1 - 1e-9;

/**
 * Estimates, without bias, what 1, 2, 4, ... answers to each task achieve. A task with fewer than
 * `k` scored answers is left out of that row.
 *
 * @param rewards  rewards of the scored answers, by task
 * @param samples  answers requested for each task
 * @source  Chen et al., "Evaluating large language models trained on code", 2021, section 2.1
 */
export function severalAnswers(
  rewards: readonly (readonly number[])[],
  samples: number,
): SeveralAnswers[] {
  return powersUpTo(samples).map((k) => {
    const enough = rewards.filter(({ length }) => length >= k);
    const pass = enough.map((of) =>
      expectedBest(
        of.map((one) => (one >= FULL_REWARD ? 1 : 0)),
        k,
      ),
    );
    const best = enough.map((of) => expectedBest(of, k));
    return { k, pass: meanInterval(pass), best: meanInterval(best) };
  });
}

/**
 * Returns the expected largest of `k` of the values, drawn without replacement: the value of rank i
 * is the largest of C(i - 1, k - 1) of the C(n, k) draws.
 */
export function expectedBest(values: readonly number[], k: number): number {
  const ascending = [...values].sort((a, b) => a - b);
  const n = ascending.length;
  // The share of draws whose largest value is the greatest is k / n; the ratio of two neighbours follows.
  let weight = k / n;
  let sum = 0;
  for (let i = n; i >= k; i--) {
    sum += weight * (ascending[i - 1] ?? 0);
    weight *= (i - k) / (i - 1);
  }
  return sum;
}

/** Returns 1, 2, 4, ... and the number itself. */
function powersUpTo(samples: number): number[] {
  const powers: number[] = [];
  for (let k = 1; k < samples; k *= 2) powers.push(k);
  return [...powers, samples];
}
