/**
 * What the iteration in hand has come to so far, added up from its events: a resumed run has the same
 * figures as an undisturbed one, and times in which the run did not work are in none of them.
 */
import { type RunEventBody } from "@gumshoe/protocol";

/** What the time before an event was spent on. */
export type WorkKind = "sampling" | "learning" | "checkpoint" | "other";

/** Sums of one iteration. */
export interface IterationSums {
  /** Milliseconds by what they were spent on. */
  readonly workMs: Record<WorkKind, number>;
  /** Milliseconds that all workers together spent on grading. */
  gradingMs: number;
  /** Sampled tokens, those of a validation included. */
  tokens: number;
  /** Updates in their order. */
  readonly updates: UpdateFigures[];
}

/** What an update says of itself. */
export interface UpdateFigures {
  readonly gradNorm: number;
  readonly lr: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** The sums of an iteration without events. */
export function newIterationSums(): IterationSums {
  const workMs = { sampling: 0, learning: 0, checkpoint: 0, other: 0 };
  return { workMs, gradingMs: 0, tokens: 0, updates: [] };
}

/**
 * Adds an event.
 *
 * @param workedMs  time since the event before it in which the run worked
 */
export function addToSums(sums: IterationSums, body: RunEventBody, workedMs: number): void {
  sums.workMs[workBefore(body)] += workedMs;
  if (body.type === "group-done") {
    sums.gradingMs += body.gradingMs ?? 0;
    sums.tokens += body.tokens;
  }
  if (body.type === "update-done") {
    const { gradNorm, lr, metrics } = body;
    sums.updates.push({ gradNorm, lr, metrics });
  }
}

function workBefore(body: RunEventBody): WorkKind {
  switch (body.type) {
    case "group-done":
    case "validation-done":
    case "iteration-sampled":
      return "sampling";
    case "update-done":
      return "learning";
    case "checkpoint-written":
      return "checkpoint";
    default:
      return "other";
  }
}
