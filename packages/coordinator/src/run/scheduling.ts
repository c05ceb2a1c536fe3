/**
 * The scheduling policy: by priority, and round-robin in equal time slices among runs of one priority. A run is
 * preempted between iterations.
 *
 * Scheduling changes when a run works, never what it computes. The order depends on the runs' ledgers alone, so a
 * restarted coordinator continues it.
 */
import { InvalidArgumentError } from "@gumshoe/core";
import { MAX_PRIORITY } from "@gumshoe/protocol";

import type { RunState } from "./run-state.js";

/** What the policy depends on. */
type Schedulable = Pick<RunState, "priority" | "pausedAtMs" | "submittedAtMs">;

/** @throws InvalidArgumentError */
export function checkPriority(priority: number): void {
  if (Number.isInteger(priority) && Math.abs(priority) <= MAX_PRIORITY) return;
  const wanted = `must be a whole number from -${MAX_PRIORITY} to ${MAX_PRIORITY}`;
  throw new InvalidArgumentError("priority", wanted);
}

/**
 * Compares two runs that wait for the workers: the higher priority comes first, then the run that was
 * preempted longest ago, then the one submitted earlier.
 */
export function compareWaiting(a: Schedulable, b: Schedulable): number {
  return (
    b.priority - a.priority || a.pausedAtMs - b.pausedAtMs || a.submittedAtMs - b.submittedAtMs
  );
}

/**
 * Returns whether a run releases the workers to another one before its next iteration.
 *
 * @param next     the first of the waiting runs; null for none
 * @param heldMs   how long the run has used the workers
 * @param sliceMs  time slice among runs of the same priority
 */
export function isPreempted(
  run: Schedulable,
  next: Schedulable | null,
  { heldMs, sliceMs }: { heldMs: number; sliceMs: number },
): boolean {
  if (next === null || next.priority < run.priority) return false;
  return next.priority > run.priority || heldMs >= sliceMs;
}
