import { backoffMs, type Clock, ClusterError } from "@gumshoe/core";
import { FINAL_EVENTS, fromRunEvent, type RunEvent, type WatchedEvent } from "@gumshoe/protocol";

import { WatchLostError } from "./errors.js";

const RECONNECT = { firstDelayMs: 200, maxDelayMs: 2000 };

/** Options of a watch. */
export interface WatchOptions {
  /** Number of the first event wanted; default: all. */
  readonly fromEvent?: number;
  /** Aborts the watch; the loop then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** How long an unreachable coordinator is retried before WatchLostError, in ms; default 60 s. */
  readonly giveUpAfterMs?: number;
  /** Called before every new attempt. */
  readonly onReconnect?: (error: unknown) => void;
}

/**
 * Yields a run's events across breaks of the connection and restarts of the coordinator: every
 * stored event once and in order. Transient events (number 0) may be missed.
 *
 * @param source.open      opens the stream at an event number
 * @param source.hasEnded  returns whether the run has ended, for a stream that stops without a
 *   final event
 */
export async function* followEvents(
  run: string,
  source: {
    open: (fromEvent: number) => AsyncIterable<RunEvent>;
    hasEnded: () => Promise<boolean>;
  },
  options: WatchOptions & { clock: Clock },
): AsyncGenerator<WatchedEvent> {
  const { clock, signal, giveUpAfterMs = 60_000 } = options;
  let next = options.fromEvent ?? 1;
  let ended = false;
  let lastEventAtMs = clock.monotonicMs();
  let failures = 0;
  for (;;) {
    let problem: unknown = new ClusterError("UNAVAILABLE", "the coordinator closed the stream");
    try {
      for await (const item of flat(source.open(next))) {
        lastEventAtMs = clock.monotonicMs();
        failures = 0;
        if (item.number !== 0 && item.number < next) continue;
        if (item.number !== 0) next = item.number + 1;
        const event = fromRunEvent(item);
        // A cancelled run may have been resumed: only the last event decides.
        if (item.number !== 0) ended = event !== null && FINAL_EVENTS.includes(event.body.type);
        if (event !== null) yield event;
      }
      if (ended || (await source.hasEnded())) return;
    } catch (thrown) {
      if (!(thrown instanceof ClusterError && thrown.retryable)) throw thrown;
      problem = thrown;
    }
    if (clock.monotonicMs() - lastEventAtMs >= giveUpAfterMs) {
      throw new WatchLostError(run, next - 1, problem);
    }
    options.onReconnect?.(problem);
    failures += 1;
    await clock.sleep(backoffMs(RECONNECT, failures), signal);
  }
}

/** Yields the events of messages one by one. */
async function* flat(messages: AsyncIterable<RunEvent>): AsyncGenerator<RunEvent> {
  for await (const message of messages) {
    yield message;
    yield* message.later;
  }
}
