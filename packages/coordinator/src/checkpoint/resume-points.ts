import type { Durable } from "../run/run-state.js";

/**
 * Returns which durable weights a run keeps to go on from: the newest up to a version, and the oldest after it,
 * which takes its place when sampling has come as far.
 */
export function resumePoints(all: readonly Durable[], maxVersion: number): Durable[] {
  const sorted = [...all].sort((a, b) => a.version - b.version);
  const usable = sorted.findLast(({ version }) => version <= maxVersion);
  const next = sorted.find(({ version }) => version > maxVersion);
  return [usable, next].filter((one) => one !== undefined);
}
