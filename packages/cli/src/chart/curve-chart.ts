import * as Plot from "@observablehq/plot";

import type { CurvePoint } from "./curve-points.js";
import type { ChartOptions } from "./draw-chart.js";

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
