import { advantages, type AdvantageKind } from "./advantages.js";

/** Weights of an answer's rewards, by name. */
export type RewardWeights = Readonly<Record<string, number>>;

/**
 * Computes advantages from several rewards of each answer: normalises every reward over the group by
 * itself, then adds up the results by their weights. A reward on a small scale thus counts like one
 * on a large scale, and answers with the same weighted sum of different rewards stay apart.
 *
 * The batch-wise normalisation at the end of the paper's method is not done: the advantages of a
 * group depend on that group alone.
 *
 * @param rewards  [G], each with a finite number for every name of the weights
 * @returns        [G]; exact zeros when every reward with a weight is equal throughout the group
 * @source arXiv:2601.05242, equations 4 and 5 (GDPO)
 */
export function decoupledAdvantages(
  rewards: readonly Readonly<Record<string, number>>[],
  weights: RewardWeights,
  kind: AdvantageKind,
): number[] {
  const totals = rewards.map(() => 0);
  // In the order of the names: the order of a config's fields decides no bit of the sums.
  for (const name of Object.keys(weights).sort()) {
    const values = advantages(
      rewards.map((reward) => reward[name] ?? Number.NaN),
      kind,
    );
    const weight = weights[name] ?? 0;
    for (const [i, value] of values.entries()) totals[i] = (totals[i] ?? 0) + weight * value;
  }
  return totals;
}
