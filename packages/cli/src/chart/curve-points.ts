import { InvalidArgumentError } from "@gumshoe/core";

import type { MetricsLine } from "../run/run-files.js";

/** A point of a curve. */
export interface CurvePoint {
  readonly series: string;
  /** Iterations that the weights had learnt from. */
  readonly iteration: number;
  readonly value: number;
  /** Ends of the 95 % interval; the value itself when the metric has none. */
  readonly low: number;
  readonly high: number;
}

/**
 * Returns the curve of a metric of a run. A metric of validations ends with the final weights.
 *
 * @throws InvalidArgumentError when no iteration has the metric
 */
export function curveOf(
  series: string,
  lines: readonly MetricsLine[],
  metric: string,
): CurvePoint[] {
  const points = lines.flatMap((line, index) => {
    const iteration = line["iteration"] ?? index;
    const final = `final${metric.charAt(0).toUpperCase()}${metric.slice(1)}`;
    return [
      ...pointOf(series, line, { metric, iteration }),
      ...pointOf(series, line, { metric: final, iteration: iteration + 1 }),
    ];
  });
  if (points.length > 0) return points;
  throw new InvalidArgumentError("--metric", `no iteration of ${series} has ${metric}`);
}

function pointOf(
  series: string,
  line: MetricsLine,
  { metric, iteration }: { readonly metric: string; readonly iteration: number },
): CurvePoint[] {
  const value = line[metric];
  if (value === undefined) return [];
  // The mean reward of an iteration has its interval under other names than a validation's.
  const stem = metric === "meanReward" ? "reward" : metric.replace(/Reward$/, "");
  const low = line[`${stem}Low`] ?? value;
  const high = line[`${stem}High`] ?? value;
  return [{ series, iteration, value, low, high }];
}
