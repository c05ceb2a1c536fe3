import type { WorkerStatus } from "@gumshoe/protocol";

import { formatCount } from "../terminal/format.js";

/** Roles in the order in which a run needs them. */
const ROLES = ["inference", "trainer", "reducer"] as const;

/** The fields of a worker that the line needs. */
type Member = Pick<WorkerStatus, "role" | "state" | "tokensPerSecond">;

/** Describes a fleet in a line: `inference 2 busy 1 lost, trainer 1 idle; in the last minute 4,100 sampled, 0 trained tokens/s`. */
export function describeFleet(workers: readonly Member[]): string {
  if (workers.length === 0) return "no workers";
  const parts = ROLES.flatMap((role) => {
    const ours = workers.filter((worker) => worker.role === role);
    return ours.length === 0 ? [] : [`${role} ${countStates(ours)}`];
  });
  const sampled = formatCount(rateOf(workers, "inference"));
  const trained = formatCount(rateOf(workers, "trainer"));
  return `${parts.join(", ")}; in the last minute ${sampled} sampled, ${trained} trained tokens/s`;
}

function rateOf(workers: readonly Member[], wanted: string): number {
  const ours = workers.filter(({ role }) => role === wanted);
  return ours.reduce((total, { tokensPerSecond }) => total + tokensPerSecond, 0);
}

function countStates(workers: readonly Member[]): string {
  const counts = new Map<string, number>();
  for (const { state } of workers) counts.set(state, (counts.get(state) ?? 0) + 1);
  // Sorted by name: busy, idle, lost, starting.
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([state, count]) => `${count} ${state}`)
    .join(" ");
}
