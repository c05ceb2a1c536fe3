/**
 * The columns and series that uPlot draws for curves: for each curve its values (smoothed), then the
 * unsmoothed values behind it, then the two bounds of its band.
 */
import type uPlot from "uplot";

import { seriesColor, styleColor } from "../design/theme.js";
import { alignCurves, type Column, type Curve } from "./curve.js";
import { smooth } from "./smoothing.js";

/** How curves are to be drawn. */
export interface PlotStyle {
  readonly isLog: boolean;
  /** Weight of the past, 0 to below 1. */
  readonly smoothing: number;
}

/** Columns and series of one plot. */
export interface PlotData {
  readonly data: uPlot.AlignedData;
  readonly series: uPlot.Series[];
  readonly bands: uPlot.Band[];
  /** For each curve the index of its column. */
  readonly columnOf: readonly number[];
}

/** Builds the columns of a plot. A logarithmic scale has no place for values that are not positive. */
export function plotData(curves: readonly Curve[], style: PlotStyle): PlotData {
  const { x, spread } = alignCurves(curves);
  const columns: Column[] = [];
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  const columnOf: number[] = [];
  const add = (curve: Curve, values: readonly (number | null)[], options: uPlot.Series): number => {
    const shown = style.isLog ? values.map((y) => (y !== null && y > 0 ? y : null)) : values;
    columns.push(spread(curve, shown));
    series.push({ spanGaps: false, points: { show: false }, ...options });
    return columns.length;
  };
  for (const curve of curves) {
    const stroke = styleColor(seriesColor(curve.color));
    const { band } = curve;
    if (band !== undefined) {
      const edge = { stroke: "transparent", width: 0 };
      const high = add(curve, band.high, edge);
      const low = add(curve, band.low, edge);
      bands.push({ series: [high, low], fill: alpha(stroke, 0.16) });
    }
    if (style.smoothing > 0) add(curve, curve.y, { stroke: alpha(stroke, 0.28), width: 1 });
    const numValues = curve.y.reduce((total: number, y) => total + (y === null ? 0 : 1), 0);
    const points = { show: curve.dots === true || numValues < 2, size: 5, fill: stroke };
    const smoothed = smooth(curve.y, style.smoothing);
    columnOf.push(
      add(curve, smoothed, { stroke, width: 1.5, points, spanGaps: curve.dots === true }),
    );
  }
  return { data: [x, ...columns] as uPlot.AlignedData, series, bands, columnOf };
}

/** Returns a colour `#rrggbb` with an opacity between 0 and 1. */
function alpha(color: string, opacity: number): string {
  return (
    color +
    Math.round(opacity * 255)
      .toString(16)
      .padStart(2, "0")
  );
}
