import * as Plot from "@observablehq/plot";
import { InvalidArgumentError } from "@gumshoe/core";

import { type MetricsLine } from "../run/run-files.js";
import type { ChartOptions } from "./draw-chart.js";

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

/** Charts curves over the iterations, with 95 % intervals where the metric has them. */
export function curveChart(points: readonly CurvePoint[], label: string): ChartOptions {
  const names = [...new Set(points.map(({ series }) => series))];
  return {
    marginRight: names.length > 1 ? 220 : 24,
    x: { label: "iterations" },
    y: { label, zero: true },
    marks: [
      Plot.ruleY([0]),
      Plot.areaY(points, {
        x: "iteration",
        y1: "low",
        y2: "high",
        fill: "series",
        fillOpacity: 0.15,
      }),
      Plot.lineY(points, { x: "iteration", y: "value", stroke: "series", strokeWidth: 2 }),
      // The names stand right of the frame, in the colours of their curves.
      ...(names.length > 1 ? names.map(nameMark) : []),
    ],
  };
}

const NAME_HEIGHT = 18;

function nameMark(name: string, index: number): Plot.Text {
  return Plot.text([name], {
    text: (text: string) => text,
    fill: (series: string) => series,
    frameAnchor: "top-right",
    textAnchor: "start",
    dx: 12,
    dy: index * NAME_HEIGHT,
  });
}
