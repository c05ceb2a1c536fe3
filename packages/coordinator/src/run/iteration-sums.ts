/**
 * Running sums of the iterations that are not done, added up from their events: a resumed run has the
 * same metrics as an uninterrupted one, and time in which the run did not work is excluded.
 *
 * - The time before an event is that since the previous event.
 * - With `staleness`, iterations after the current one are sampled while it learns. The time before
 *   such an event is that since the sampler's previous event, and is counted as time ahead, too.
 */
import { parseGroupKey, type RunEventBody } from "@gumshoe/protocol";

/** The kind of work that the time before an event was spent on. */
export type WorkKind = "tasks" | "sampling" | "learning" | "checkpoint" | "other";

/** Sums of one iteration. */
export interface IterationSums {
  /** Milliseconds per kind of work. */
  readonly workMs: Record<WorkKind, number>;
  /** Milliseconds of them in which an earlier iteration was the current one. */
  aheadMs: number;
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
  const counts = { aheadMs: 0, gradingMs: 0, replies: 0, workers, numTasks: 0, tokens: 0 };
  return { workMs, ...counts, updates: [] };
}

/** Sums of all iterations that are not done. */
export interface AllSums {
  readonly byIteration: Map<number, IterationSums>;
  /** Time that the run had worked at the newest event of the current iteration, or of none, in ms. */
  currentAtMs: number;
  /** The same of the newest event of sampling, or of the end of the wait for weights. */
  sampledAtMs: number;
}

/** Returns the sums of a run before its first event. */
export function newAllSums(): AllSums {
  return { byIteration: new Map(), currentAtMs: 0, sampledAtMs: 0 };
}

/** What sums depend on. */
export interface SummedState {
  readonly sums: AllSums;
  readonly workedMs: number;
  readonly iterationsDone: number;
  readonly open: ReadonlySet<number>;
  readonly sampledIterations: ReadonlySet<number>;
}

/** Returns the sums of an iteration that is not done; of the current one by default. */
export function sumsOf(
  { sums, iterationsDone }: Pick<SummedState, "sums" | "iterationsDone">,
  iteration = iterationsDone,
): IterationSums {
  return sums.byIteration.get(iteration) ?? newIterationSums();
}

/** Returns the iteration whose sums an event changes: the current one, or one that is sampled ahead. */
export function summedIteration(body: RunEventBody, iterationsDone: number): number {
  return Math.max(iterationsDone, sampledIteration(body) ?? iterationsDone);
}

/**
 * Adds the next event of the ledger.
 *
 * @param state     after `workedMs` was raised, and before the event changes anything else
 * @param unusedMs  time before the event that belongs to no iteration
 */
export function sumEvent(state: SummedState, body: RunEventBody, unusedMs: number): void {
  const { sums, workedMs, iterationsDone } = state;
  if (unusedMs > 0) {
    sums.currentAtMs = workedMs;
    sums.sampledAtMs = workedMs;
  }
  const iteration = summedIteration(body, iterationsDone);
  const of = sumsOf(state, iteration);
  sums.byIteration.set(iteration, of);
  const isAhead = iteration > iterationsDone;
  const spentMs = workedMs - (isAhead ? sums.sampledAtMs : sums.currentAtMs);
  if (isAhead) of.aheadMs += spentMs;
  else sums.currentAtMs = workedMs;
  if (isAhead || sampledIteration(body) !== null) sums.sampledAtMs = workedMs;
  add(of, body, spentMs);
  if (body.type !== "iteration-done") return;
  sums.byIteration.delete(body.iteration);
  // A sampler that waited for these weights begins now.
  const isWaiting = [...state.open].every((one) => state.sampledIterations.has(one));
  if (isWaiting) sums.sampledAtMs = workedMs;
}

/** Returns the iteration that an event of sampling belongs to; null for another event. */
export function sampledIteration(body: RunEventBody): number | null {
  if (body.type === "group-done") {
    const { kind, iteration } = parseGroupKey(body.groupKey);
    return kind === "train" ? iteration : null;
  }
  const isSampling =
    body.type === "iteration-planned" ||
    body.type === "groups-replaced" ||
    body.type === "iteration-sampled";
  return isSampling ? body.iteration : null;
}

/** Adds an event, and the time before it, to the sums of its iteration. */
function add(sums: IterationSums, body: RunEventBody, spentMs: number): void {
  sums.workMs[workBefore(body)] += spentMs;
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
