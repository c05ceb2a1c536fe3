import { ThreadCalls } from "@gumshoe/core";

import { TableProblem } from "../errors.js";
import type { ParquetCalls } from "./parquet-calls.js";
import type { TableRecord } from "./table-record.js";

/** What a file may take to be read. */
export interface ReadLimits {
  /** Time for any file, in ms. */
  readonly baseMs: number;
  /** Further time for each MiB of it, in ms. */
  readonly perMibMs: number;
  /** Size of the thread's heap, in MiB. */
  readonly heapMib: number;
}

/** A file of 1 GiB without compression is read in half of this. */
const READ_LIMITS: ReadLimits = { baseMs: 10_000, perMibMs: 3_000, heapMib: 8192 };

/**
 * Reads the columns of a Parquet file that are needed, as far as it has them.
 *
 * It is read on a thread of its own: a few bytes of a damaged file can ask for runs of two thousand million
 * values, which the library would write one by one.
 *
 * @throws TableProblem
 */
export async function readParquet(
  bytes: Buffer,
  columns: readonly string[],
  { baseMs, perMibMs, heapMib }: ReadLimits = READ_LIMITS,
): Promise<TableRecord[]> {
  const thread = new ThreadCalls<ParquetCalls>(new URL("./parquet-thread.js", import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: heapMib },
    toEndError: (problem) =>
      new TableProblem(`cannot be read: the thread ${problem}; it is damaged, or too large`),
  });
  const ms = Math.ceil(baseMs + (bytes.byteLength / 2 ** 20) * perMibMs);
  const signal = AbortSignal.timeout(ms);
  try {
    const answer = await thread.call("read", { bytes, columns }, { signal });
    if ("records" in answer) return answer.records;
    throw new TableProblem(answer.problem);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new TableProblem(`is not read within ${Math.ceil(ms / 1000)} s: it is damaged`);
  } finally {
    await thread.stop();
  }
}
