/** Begins the names of metrics that are rewards; a grader's own metrics have other names. */
export const REWARD_PREFIX = "rewards.";

/** Adds the rewards of an answer, by name, to its metrics. */
export function withRewards(
  metrics: Readonly<Record<string, number>>,
  rewards: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const named = Object.entries(rewards).map(([name, reward]) => [REWARD_PREFIX + name, reward]);
  return { ...metrics, ...(Object.fromEntries(named) as Record<string, number>) };
}

/** Returns the rewards among the metrics of an answer, by name. */
export function rewardsIn(metrics: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics)
      .filter(([name]) => name.startsWith(REWARD_PREFIX))
      .map(([name, reward]) => [name.slice(REWARD_PREFIX.length), reward]),
  );
}
