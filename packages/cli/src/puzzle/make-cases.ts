import { type CaseSeries, countChunks } from "./case-series.js";
import { startCaseThread } from "./case-thread.js";

/** Chunks that are requested from each thread in advance. */
const CHUNKS_AHEAD = 4;

/** Options for generating a series. */
export interface MakingOptions {
  readonly threads: number;
  readonly signal: AbortSignal;
}

/**
 * Generates the records of a series in threads, as JSON texts in series order. The number of
 * threads affects only the duration.
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
    // After an abort, the failure of a stopped thread is irrelevant: throw the signal's reason.
    signal.throwIfAborted();
    throw thrown;
  } finally {
    signal.removeEventListener("abort", onAbort);
    await stop();
  }
}
