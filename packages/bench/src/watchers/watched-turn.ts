import type { WatchedEvent } from "@gumshoe/protocol";

import { median } from "../figure.js";

/** One finished run of a turn. Times are milliseconds since the epoch. */
export interface Turn {
  /** All events of its ledger. */
  readonly events: readonly WatchedEvent[];
  readonly watchers: number;
  /** Time when the last watcher received its first event. */
  readonly joinedAtMs: number;
  /** Times of the events that a watcher received. */
  readonly eventsAtMs: readonly number[];
  /** CPU time of the watchers per event and watcher. */
  readonly secondsPerEvent: number;
  /** CPU time that the coordinator had used at a time; null if unknown. */
  readonly processorSeconds: (atMs: number) => number | null;
}

/** The effect of watchers on a run's iterations. */
export interface TurnComparison {
  /** Median duration of an iteration without watchers. */
  readonly seconds: number;
  readonly watchedSeconds: number;
  /** Relative increase of an iteration's duration: 0 for no effect. */
  readonly slowdown: number;
  /** Events per watcher and iteration. */
  readonly events: number;
  /** CPU time of the coordinator per event and watcher; null if unknown. */
  readonly coordinatorSeconds: number | null;
  /** CPU time of the watchers per event and watcher. */
  readonly watcherSeconds: number;
}

interface Span {
  readonly iteration: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Compares the iterations of an unwatched run with the same ones of a watched run, using those that
 * began after all watchers had joined.
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

/** Returns all iterations but the first, each from the end of the previous one. */
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
