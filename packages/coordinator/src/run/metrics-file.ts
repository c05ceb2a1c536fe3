/**
 * `metrics.jsonl`: one line for every iteration that is done, in their order.
 *
 * - The file is a function of the ledger: a line is what `iteration-done` recorded, the last line of a run
 *   that has ended holds the validation of its last weights too.
 * - It is written anew, whole or not at all, when a run is taken up and when it ends. Between the two a line
 *   is added after its event, so what a crash doubles or tears is replaced by the next resume.
 */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";

import { writeDurably } from "@gumshoe/core";

import { validationFigures } from "./iteration-metrics.js";
import { type RunRecord } from "./run-record.js";

/** Writes the file of all iterations that are done. */
export async function writeMetrics(record: RunRecord): Promise<void> {
  await writeDurably(fileOf(record), metricsLines(record).join(""));
}

/** Adds the line of the iteration that was done last. */
export async function appendMetrics(record: RunRecord): Promise<void> {
  const line = metricsLines(record, record.state.iterationsDone - 1).join("");
  await appendFile(fileOf(record), line);
}

/** The lines of a run's iterations, from one on. */
export function metricsLines(record: RunRecord, from = 0): string[] {
  const { state } = record;
  return state.iterationMetrics.slice(from).map((metrics, i) => {
    const iteration = from + i;
    const isLast = iteration + 1 === state.iterationsDone && state.planned === null;
    const last = isLast ? validationFigures(state, iteration + 1, "finalValidation") : {};
    return `${JSON.stringify({ iteration, ...metrics, ...last })}\n`;
  });
}

function fileOf(record: RunRecord): string {
  return join(record.folder, "metrics.jsonl");
}
