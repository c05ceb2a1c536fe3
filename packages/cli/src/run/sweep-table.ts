import type { SweepRun } from "@gumshoe/config";

import { curveOf } from "../chart/curve-points.js";
import { formatReward } from "../terminal/format.js";
import { formatTable } from "../terminal/table.js";
import type { MetricsLine } from "./run-files.js";

/** What a run of a sweep has reached. */
export interface SweepResult {
  readonly run: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly iterations: number;
  /** The metric at its start, now, and the ends of its 95 % interval; null before it was measured. */
  readonly start: number | null;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Metrics that rank runs when the sweep names none, the best first. */
const RANKING = ["validationGreedyReward", "validationReward", "meanReward", "loss"];
/** Metrics of which less is better. */
const LESS_IS_BETTER: readonly string[] = ["loss", "validationLoss"];

/** Returns the metric that ranks runs: the first that any of them has. */
export function rankingMetric(runs: readonly (readonly MetricsLine[])[]): string {
  const has = (metric: string) => runs.some((lines) => lines.some((line) => metric in line));
  return RANKING.find(has) ?? "meanReward";
}

/** Returns what a run has reached, by its lines of metrics. */
export function sweepResult(
  { name: run, values }: SweepRun,
  lines: readonly MetricsLine[],
  metric: string,
): SweepResult {
  const isMeasured = lines.some((line) => metric in line);
  const points = isMeasured ? curveOf(run, lines, metric) : [];
  const last = points.at(-1);
  return {
    run,
    values,
    iterations: lines.length,
    start: points[0]?.value ?? null,
    value: last?.value ?? null,
    low: last?.low ?? null,
    high: last?.high ?? null,
  };
}

/** Sorts results, the best first and those without a value last. */
export function ranked(results: readonly SweepResult[], metric: string): SweepResult[] {
  const sign = LESS_IS_BETTER.includes(metric) ? 1 : -1;
  const rank = ({ value }: SweepResult) => (value === null ? Infinity : sign * value);
  return [...results].sort((a, b) => rank(a) - rank(b));
}

/** Describes results as a table, and whether the best is certain to be better than the next. */
export function describeSweep(results: readonly SweepResult[], metric: string): string {
  const fields = [...new Set(results.flatMap(({ values }) => Object.keys(values)))];
  const number = (value: number | null) => (value === null ? "" : formatReward(value));
  const rows = ranked(results, metric).map((result) => [
    result.run,
    ...fields.map((field) => shown(result.values[field])),
    result.iterations,
    number(result.start),
    number(result.value),
    result.low === null || result.high === null || result.low === result.high
      ? ""
      : `${formatReward(result.low)} to ${formatReward(result.high)}`,
  ]);
  const header = ["run", ...fields, "iterations", "start", metric, "95 %"];
  return formatTable(header, rows);
}

function shown(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
