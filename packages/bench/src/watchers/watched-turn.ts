import { type WatchedEvent } from "@gumshoe/protocol";

import { median } from "../figure.js";

/** One run of a turn, once it has ended. Times are milliseconds since the epoch. */
export interface Turn {
  /** All that its ledger holds. */
  readonly events: readonly WatchedEvent[];
  readonly watchers: number;
  /** When the last watcher had its first event. */
  readonly joinedAtMs: number;
  /** When what a watcher saw had happened. */
  readonly eventsAtMs: readonly number[];
  /** Processor time of the watchers for one event to one of them. */
  readonly secondsPerEvent: number;
  /** Processor time that the coordinator had used by a moment; null where it cannot be known. */
  readonly processorSeconds: (atMs: number) => number | null;
}

/** What watchers made of the iterations of a run. */
export interface TurnComparison {
  /** An iteration with nobody watching: the median. */
  readonly seconds: number;
  readonly watchedSeconds: number;
  /** Share of its time that an iteration took longer: 0 for no effect. */
  readonly slowdown: number;
  /** Events to each watcher in an iteration. */
  readonly events: number;
  /** Processor time of the coordinator for one event to one watcher; null where it cannot be known. */
  readonly coordinatorSeconds: number | null;
  /** The same of the watchers. */
  readonly watcherSeconds: number;
}

interface Span {
  readonly iteration: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Compares the iterations of a run that nobody watched with the same ones of a watched run: those that began
 * when all its watchers had joined.
 */
export function compareTurn(alone: Turn, watched: Turn): TurnComparison {
  const aloneSpans = new Map(spansOf(alone.events).map((span) => [span.iteration, span]));
  const pairs = spansOf(watched.events).flatMap((span) => {
    const other = aloneSpans.get(span.iteration);
    return span.fromMs < watched.joinedAtMs || other === undefined ? [] : [[other, span] as const];
  });
  const ratios = pairs.map(([a, b]) => lengthOf(b) / lengthOf(a));
  const numEvents = pairs.map(([, { fromMs, toMs }]) => {
    return watched.eventsAtMs.filter((atMs) => atMs > fromMs && atMs <= toMs).length;
  });
  const extra = sum(
    pairs.map(([a, b]) => minus(processorTime(watched, b), processorTime(alone, a))),
  );
  const delivered = watched.watchers * numEvents.reduce((total, count) => total + count, 0);
  return {
    seconds: median(pairs.map(([a]) => lengthOf(a))),
    watchedSeconds: median(pairs.map(([, b]) => lengthOf(b))),
    slowdown: median(ratios) - 1,
    events: median(numEvents),
    coordinatorSeconds: extra === null ? null : extra / delivered,
    watcherSeconds: watched.secondsPerEvent,
  };
}

/** Every iteration but the first, from the end of the one before it. */
function spansOf(events: readonly WatchedEvent[]): Span[] {
  const done = events.flatMap(({ body, atMs }) =>
    body.type === "iteration-done" ? [{ iteration: body.iteration, atMs }] : [],
  );
  return done.slice(1).map(({ iteration, atMs }, i) => {
    return { iteration, fromMs: done[i]?.atMs ?? atMs, toMs: atMs };
  });
}

function lengthOf({ fromMs, toMs }: Span): number {
  return (toMs - fromMs) / 1000;
}

function processorTime({ processorSeconds }: Turn, { fromMs, toMs }: Span): number | null {
  return minus(processorSeconds(toMs), processorSeconds(fromMs));
}

function minus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

function sum(values: readonly (number | null)[]): number | null {
  return values.reduce(
    (total, value) => (total === null || value === null ? null : total + value),
    0,
  );
}
