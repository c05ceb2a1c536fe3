/**
 * Decides which run has the workers: runs take turns, by priority, and the runs of one priority in equal
 * shares of time.
 *
 * Turns change when a run works, never what it computes. They depend on the runs' ledgers and the
 * clock alone, so a restarted coordinator continues the same order.
 */
import { InvalidArgumentError } from "@gumshoe/core";
import { MAX_PRIORITY } from "@gumshoe/protocol";

import type { RunState } from "./run-state.js";

/** What turns depend on. */
type Turn = Pick<RunState, "priority" | "pausedAtMs" | "submittedAtMs">;

/** @throws InvalidArgumentError */
export function checkPriority(priority: number): void {
  if (Number.isInteger(priority) && Math.abs(priority) <= MAX_PRIORITY) return;
  const wanted = `must be a whole number from -${MAX_PRIORITY} to ${MAX_PRIORITY}`;
  throw new InvalidArgumentError("priority", wanted);
}

/**
 * Compares two runs that wait for the workers: the higher priority comes first, then the run whose last
 * turn is longer ago, then the one submitted earlier.
 */
export function compareTurns(a: Turn, b: Turn): number {
  return (
    b.priority - a.priority || a.pausedAtMs - b.pausedAtMs || a.submittedAtMs - b.submittedAtMs
  );
}

/**
 * Returns whether a run gives the workers to another one before its next iteration.
 *
 * @param next     the first of the waiting runs; null for none
 * @param turnMs   how long the run has had the workers
 * @param shareMs  length of a turn among runs of the same priority
 */
export function isTurnOver(
  run: Turn,
  next: Turn | null,
  { turnMs, shareMs }: { turnMs: number; shareMs: number },
): boolean {
  if (next === null || next.priority < run.priority) return false;
  return next.priority > run.priority || turnMs >= shareMs;
}
