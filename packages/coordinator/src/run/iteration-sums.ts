/**
 * Running sums of the current iteration, added up from its events: a resumed run has the same
 * metrics as an uninterrupted one, and time in which the run did not work is excluded.
 */
import { type RunEventBody } from "@gumshoe/protocol";

/** The kind of work that the time before an event was spent on. */
export type WorkKind = "tasks" | "sampling" | "learning" | "checkpoint" | "other";

/** Sums of one iteration. */
export interface IterationSums {
  /** Milliseconds per kind of work. */
  readonly workMs: Record<WorkKind, number>;
  /** Milliseconds of grading, summed over all workers. */
  gradingMs: number;
  /** Graded answers, those of a validation included. */
  replies: number;
  /** Workers that sampled and graded them. */
  readonly workers: Set<string>;
  /** Tasks of the iteration's plan, and those in place of others. */
  numTasks: number;
  /** Sampled tokens, those of a validation included. */
  tokens: number;
  /** Updates in their order. */
  readonly updates: UpdateFigures[];
}

/** The figures of an update's event. */
export interface UpdateFigures {
  readonly gradNorm: number;
  readonly lr: number;
  /** Null where the update's answers were sampled from other weights. */
  readonly logprobGapMax: number | null;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Returns the sums of an iteration without events. */
export function newIterationSums(): IterationSums {
  const workMs = { tasks: 0, sampling: 0, learning: 0, checkpoint: 0, other: 0 };
  const workers = new Set<string>();
  return { workMs, gradingMs: 0, replies: 0, workers, numTasks: 0, tokens: 0, updates: [] };
}

/**
 * Adds an event.
 *
 * @param workedMs  time since the previous event in which the run worked
 */
export function addToSums(sums: IterationSums, body: RunEventBody, workedMs: number): void {
  sums.workMs[workBefore(body)] += workedMs;
  if (body.type === "group-done") {
    sums.gradingMs += body.gradingMs ?? 0;
    sums.replies += body.rewards.length;
    sums.workers.add(body.workerId);
    sums.tokens += body.tokens;
  }
  if (body.type === "iteration-planned") sums.numTasks = body.tasks.length;
  if (body.type === "groups-replaced") sums.numTasks += body.tasks.length;
  if (body.type === "update-done") {
    const { gradNorm, lr, logprobGapMax, metrics } = body;
    sums.updates.push({ gradNorm, lr, logprobGapMax, metrics });
  }
}

function workBefore(body: RunEventBody): WorkKind {
  switch (body.type) {
    case "iteration-planned":
    case "groups-replaced":
      return "tasks";
    case "group-done":
    case "validation-done":
    case "report-done":
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
