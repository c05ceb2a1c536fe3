/** The options of uPlot for a chart: axes, cursor, zoom and marks in the colours of the page. */
import type uPlot from "uplot";

import { styleColor } from "../design/theme.js";
import { formatNumber } from "../figures/format.js";
import type { AxisKind, Mark } from "./curve.js";
import type { PlotData } from "./plot-data.js";

const FONT = "11px system-ui, sans-serif";
const MIN_DRAG_PX = 6;
const MARK_HEAD_PX = 5;

/** The visible part of an axis. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** The data of a plot, and its callbacks for the reader's actions. */
export interface PlotSpec {
  readonly plot: PlotData;
  readonly axis: AxisKind;
  readonly isLog: boolean;
  readonly width: number;
  readonly height: number;
  /** Charts with the same key share the place of the pointer. */
  readonly syncKey: string;
  readonly marks: () => readonly Mark[];
  readonly onCursor: (index: number | null) => void;
  readonly onZoom: (range: Range | null) => void;
}

/** Builds uPlot's options. */
export function plotOptions(spec: PlotSpec): uPlot.Options {
  const { plot, axis, isLog } = spec;
  const grid = { stroke: styleColor("--grid"), width: 1 };
  const shared = { stroke: styleColor("--muted"), font: FONT, grid, ticks: { show: false } };
  return {
    width: spec.width,
    height: spec.height,
    legend: { show: false },
    padding: [10, 8, 0, 0],
    series: plot.series,
    bands: plot.bands,
    scales: { x: { time: axis === "clock" }, y: isLog ? { distr: 3 } : { range: padded } },
    axes: [
      {
        ...shared,
        size: 24,
        gap: 3,
        space: 60,
        ...(axis === "iteration" ? { incrs: WHOLE_STEPS } : {}),
      },
      { ...shared, size: 50, gap: 4, space: 28, values: (_, ticks) => ticks.map(tickText) },
    ],
    cursor: {
      sync: { key: spec.syncKey, setSeries: false },
      drag: { x: true, y: false, dist: MIN_DRAG_PX },
      points: { size: 6, width: 1.5 },
      y: false,
    },
    hooks: {
      setCursor: [(chart) => spec.onCursor(chart.cursor.idx ?? null)],
      setScale: [
        (chart, key) => {
          if (key === "x") spec.onZoom(zoomOf(chart));
        },
      ],
      drawClear: [(chart) => drawMarks(chart, spec.marks())],
    },
  };
}

/** Iterations are whole numbers, and so are the steps between their ticks. */
const WHOLE_STEPS = Array.from({ length: 8 }, (_, power) =>
  [1, 2, 5].map((n) => n * 10 ** power),
).flat();

function tickText(tick: number | null): string {
  return tick === null ? "" : formatNumber(tick, 3);
}

/** Leaves room above and below; a curve of equal values lies in the middle. */
function padded(_: uPlot, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1];
  if (min === 0 && max === 0) return [0, 1];
  if (min === max) {
    const room = Math.abs(min) * 0.1;
    return [min - room, max + room];
  }
  const room = (max - min) * 0.06;
  const low = min >= 0 && min - room < 0 ? 0 : min - room;
  return [low, max + room];
}

/** Returns the visible part, or null when all is visible. */
function zoomOf(chart: uPlot): Range | null {
  const { min, max } = chart.scales["x"] ?? {};
  const [x] = chart.data;
  const [first, last] = [x[0], x.at(-1)];
  if (min === undefined || max === undefined || first === undefined || last === undefined)
    return null;
  return min <= first && max >= last ? null : { min, max };
}

function drawMarks(chart: uPlot, marks: readonly Mark[]): void {
  const { ctx, bbox } = chart;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(
    bbox.left,
    bbox.top - MARK_HEAD_PX * scale,
    bbox.width,
    bbox.height + MARK_HEAD_PX * scale,
  );
  ctx.clip();
  for (const { x, tone } of marks) {
    const left = Math.round(chart.valToPos(x, "x", true));
    const color = styleColor(tone === "plain" ? "--line-strong" : `--${tone}`);
    ctx.strokeStyle = color;
    ctx.fillStyle = color;
    ctx.lineWidth = scale;
    ctx.setLineDash([2 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(left, bbox.top);
    ctx.lineTo(left, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    const head = MARK_HEAD_PX * scale;
    ctx.moveTo(left - head * 0.7, bbox.top - head);
    ctx.lineTo(left + head * 0.7, bbox.top - head);
    ctx.lineTo(left, bbox.top + head * 0.4);
    ctx.fill();
  }
  ctx.restore();
}
