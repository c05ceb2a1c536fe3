/**
 * `metrics.jsonl`: one line for every completed iteration, in order.
 *
 * - The file is a function of the ledger: a line is the record of `iteration-done`; the last line
 *   of an ended run also holds the validation of its final weights, and its report.
 * - It is rewritten atomically when a run is resumed and when it ends. In between, a line is
 *   appended after its event, so a line that a crash doubled or tore is replaced by the next
 *   resume.
 */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";

import { writeDurably } from "@gumshoe/core";

import { reportFigures, validationFigures } from "./iteration-metrics.js";
import { nextStep } from "./next-step.js";
import type { RunRecord } from "./run-record.js";
import { shownMetrics } from "./shown-metrics.js";

/** Writes the file with all completed iterations. */
export async function writeMetrics(record: RunRecord): Promise<void> {
  await writeDurably(fileOf(record), metricsLines(record).join(""));
}

/** Appends the line of the iteration that was completed last. */
export async function appendMetrics(record: RunRecord): Promise<void> {
  const line = metricsLines(record, record.state.iterationsDone - 1).join("");
  await appendFile(fileOf(record), line);
}

/** Returns the lines of a run's iterations, starting with one. */
export function metricsLines(record: RunRecord, from = 0): string[] {
  const { config, state } = record;
  const isOver = nextStep(config, state).type === "finish";
  return state.iterationMetrics.slice(from).map((metrics, i) => {
    const iteration = from + i;
    const isLast = isOver && iteration + 1 === state.iterationsDone;
    const last = isLast
      ? { ...validationFigures(state, iteration + 1, "finalValidation"), ...reportFigures(state) }
      : {};
    const endedAtMs = state.iterationEndsMs[iteration];
    return `${JSON.stringify({ iteration, endedAtMs, ...shownMetrics(metrics), ...last })}\n`;
  });
}

function fileOf(record: RunRecord): string {
  return join(record.folder, "metrics.jsonl");
}
