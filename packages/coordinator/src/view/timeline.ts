import type { Phase, Span, Timeline, WorkerTimeline } from "@gumshoe/api";
import type { RunEventBody, WatchedEvent, WorkerStatus } from "@gumshoe/protocol";

import { UnknownIterationError } from "../errors.js";
import { summedIteration } from "../run/iteration-sums.js";
import type { RunRecord } from "../run/run-record.js";
import type { RunHistory } from "./run-history.js";

/** Phases by the event that ends them. */
const PHASE_BEFORE: Partial<Record<RunEventBody["type"], Phase["phase"]>> = {
  "group-done": "sampling",
  "validation-done": "sampling",
  "report-done": "sampling",
  "iteration-sampled": "sampling",
  "update-done": "learning",
  "checkpoint-written": "checkpoint",
  "iteration-done": "other",
};

interface PlacedSpan extends Span {
  readonly workerId: string;
  readonly role: string;
}

/**
 * Returns where the time of an iteration went: from its plan, or from the end of the iteration before it where it
 * was sampled ahead, until its end. Workers may have sampled later iterations in that time.
 *
 * @throws UnknownIterationError when it was not begun
 */
export function timelineOf(
  record: RunRecord,
  history: RunHistory,
  options: { readonly iteration: number; readonly workers: readonly WorkerStatus[] },
): Timeline {
  const { iteration, workers } = options;
  const before = iteration === 0 ? 0 : history.ends[iteration - 1]?.number;
  const planned = history.planned[iteration];
  const first =
    before === undefined || planned === undefined ? undefined : Math.max(before, planned);
  const end = history.ends[iteration];
  const begun = first === undefined ? undefined : record.events.at(first);
  if (first === undefined || begun === undefined) {
    throw new UnknownIterationError(record.config.name, iteration);
  }
  const startedAtMs = begun.atMs;
  const events = eventsFrom(record, first, end?.number ?? history.lastNumber);
  const endsAtMs =
    end?.atMs ?? (record.hasEnded ? (events.at(-1)?.atMs ?? startedAtMs) : record.nowMs);
  const lengthMs = Math.max(0, endsAtMs - startedAtMs);
  const spans = events.flatMap((event) => spansOf(event, startedAtMs));
  const byWorker = new Map<string, PlacedSpan[]>();
  for (const span of spans) {
    byWorker.set(span.workerId, [...(byWorker.get(span.workerId) ?? []), span]);
  }
  return {
    iteration,
    startedAtMs,
    lengthMs,
    complete: end !== undefined,
    phases: phasesOf(
      events.filter(({ body }) => summedIteration(body, iteration) === iteration),
      startedAtMs,
    ),
    workers: [...byWorker]
      .map(([workerId, all]) => workerTimeline(workerId, all, { lengthMs, workers }))
      .sort((a, b) => compare(a, b)),
  };
}

function eventsFrom(record: RunRecord, first: number, last: number): WatchedEvent[] {
  const events: WatchedEvent[] = [];
  for (let number = first; number <= last; number++) {
    const event = record.events.at(number);
    if (event !== undefined) events.push(event);
  }
  return events;
}

function spansOf({ atMs, body }: WatchedEvent, startedAtMs: number): PlacedSpan[] {
  const place = (ms: number) => Math.max(0, ms - startedAtMs);
  if (body.type === "group-done") {
    const { workerId, groupKey: job, gradingMs = 0, ageMs } = body;
    if (ageMs === undefined) return [];
    const gradedFrom = atMs - gradingMs;
    const role = "inference";
    const sampling = {
      kind: "sampling" as const,
      fromMs: place(atMs - ageMs),
      toMs: place(gradedFrom),
    };
    const grading = { kind: "grading" as const, fromMs: place(gradedFrom), toMs: place(atMs) };
    return [
      { workerId, role, job, ...sampling },
      { workerId, role, job, ...grading },
    ];
  }
  if (body.type !== "update-done" && body.type !== "checkpoint-written") return [];
  const update = body.type === "update-done" ? body.update : null;
  return (body.work ?? []).map(({ kind, workerId, fromMs, toMs, lane }) => ({
    workerId,
    role: kind === "learning" ? "trainer" : "reducer",
    kind,
    fromMs: place(fromMs),
    toMs: place(toMs),
    job: lane === undefined || update === null ? "" : `${update}/${lane}`,
  }));
}

function workerTimeline(
  workerId: string,
  placed: readonly PlacedSpan[],
  { lengthMs, workers }: { lengthMs: number; workers: readonly WorkerStatus[] },
): WorkerTimeline {
  const known = workers.find((worker) => worker.workerId === workerId);
  const spans = placed
    .map(({ kind, fromMs, toMs, job }) => ({ kind, fromMs, toMs, job }))
    .sort((a, b) => a.fromMs - b.fromMs);
  let busyMs = 0;
  let coveredTo = 0;
  for (const { fromMs, toMs } of spans) {
    busyMs += Math.max(0, toMs - Math.max(fromMs, coveredTo));
    coveredTo = Math.max(coveredTo, toMs);
  }
  return {
    workerId,
    role: placed[0]?.role ?? "",
    host: known?.host ?? null,
    device: known?.device ?? null,
    busyShare: lengthMs === 0 ? 0 : Math.min(1, busyMs / lengthMs),
    spans,
  };
}

/** Returns the phases, neighbours of one kind joined. */
function phasesOf(events: readonly WatchedEvent[], startedAtMs: number): Phase[] {
  const phases: { phase: Phase["phase"]; fromMs: number; toMs: number }[] = [];
  let fromMs = 0;
  for (const { atMs, body } of events) {
    const phase = PHASE_BEFORE[body.type];
    const toMs = Math.max(fromMs, atMs - startedAtMs);
    if (phase === undefined || toMs === fromMs) continue;
    const last = phases.at(-1);
    if (last?.phase === phase) last.toMs = toMs;
    else phases.push({ phase, fromMs, toMs });
    fromMs = toMs;
  }
  return phases;
}

const ROLES = ["inference", "trainer", "reducer"];

function compare(a: WorkerTimeline, b: WorkerTimeline): number {
  const byRole = ROLES.indexOf(a.role) - ROLES.indexOf(b.role);
  return byRole === 0 ? (a.workerId < b.workerId ? -1 : 1) : byRole;
}
