import { type CaseSeries, countChunks } from "./case-series.js";
import { startCaseThread } from "./case-thread.js";

/** Chunks that a thread is asked for before the first of them is wanted. */
const CHUNKS_AHEAD = 4;

/** How a series is made. */
export interface MakingOptions {
  readonly threads: number;
  readonly signal: AbortSignal;
}

/**
 * Makes the records of a series in threads, as JSON texts in the order of the series: the number of
 * threads changes the time and nothing else.
 *
 * @throws the signal's reason
 */
export async function* makeCases(
  series: CaseSeries,
  { threads: numThreads, signal }: MakingOptions,
): AsyncGenerator<string[]> {
  const numChunks = countChunks(series);
  const length = Math.min(numThreads, numChunks);
  const threads = Array.from({ length }, () => startCaseThread(series));
  const asked: Promise<string[]>[] = [];
  const stop = () => Promise.all(threads.map((thread) => thread.stop()));
  const onAbort = () => void stop();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    for (let chunk = 0, next = 0; chunk < numChunks; chunk++) {
      signal.throwIfAborted();
      for (; next < Math.min(numChunks, chunk + length * CHUNKS_AHEAD); next++) {
        const thread = threads[next % length] as (typeof threads)[number];
        const made = thread.call("makeChunk", next);
        // Awaited later; the empty catch prevents an unhandled rejection if the loop ends before.
        made.catch(() => undefined);
        asked.push(made);
      }
      yield await (asked.shift() as Promise<string[]>);
    }
  } catch (thrown) {
    // A thread that was stopped has failed, too: the reason is what counts.
    signal.throwIfAborted();
    throw thrown;
  } finally {
    signal.removeEventListener("abort", onAbort);
    await stop();
  }
}
