/** Saves a chart as a file: its numbers as CSV, its drawing as SVG or PNG. */
import type uPlot from "uplot";

import { seriesColor, styleColor } from "../design/theme.js";
import type { AxisKind, Curve } from "./curve.js";
import { drawSvg } from "./svg-chart.js";

/** A chart that can be saved. */
export interface SavedChart {
  readonly title: string;
  readonly axis: AxisKind;
  readonly curves: readonly Curve[];
  readonly plot: uPlot;
}

/** The kinds of files. */
export const FILE_KINDS = ["svg", "png", "csv"] as const;
export type FileKind = (typeof FILE_KINDS)[number];

/** uPlot's number of a logarithmic scale. */
const LOG_SCALE = 3;
const SAVED_WIDTH = 960;
const SAVED_HEIGHT = 480;

/** Saves a chart under a name made of its title. */
export async function saveChart(chart: SavedChart, kind: FileKind): Promise<void> {
  const name = `${chart.title.replace(/[^\p{L}\p{N}.-]+/gu, "-").replace(/^-|-$/g, "")}.${kind}`;
  if (kind === "csv") saveFile(name, new Blob([csvOf(chart)], { type: "text/csv" }));
  if (kind === "svg") saveFile(name, new Blob([svgOf(chart)], { type: "image/svg+xml" }));
  if (kind === "png") saveFile(name, await pngOf(chart));
}

/** Offers bytes as a file to the browser. */
function saveFile(name: string, blob: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Writes one line per curve and place. */
function csvOf({ axis, curves }: SavedChart): string {
  const lines = curves.flatMap(({ label, x, y, band }) =>
    x.flatMap((at, i) => {
      const place = axis === "clock" ? new Date(at * 1000).toISOString() : at;
      const cells = [quoted(label), place, y[i] ?? "", band?.low[i] ?? "", band?.high[i] ?? ""];
      return y[i] === null ? [] : [cells.join(",")];
    }),
  );
  return [`curve,${axis},value,low,high`, ...lines, ""].join("\n");
}

/** Quotes a cell; a sign at its start that a spreadsheet would run as a formula gets an apostrophe. */
function quoted(cell: string): string {
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return `"${safe.replaceAll('"', '""')}"`;
}

function svgOf({ title, axis, curves, plot }: SavedChart): string {
  const { x, y } = plot.scales;
  return drawSvg({
    title,
    axis,
    width: SAVED_WIDTH,
    height: SAVED_HEIGHT,
    x: { min: x?.min ?? 0, max: x?.max ?? 1 },
    y: { min: y?.min ?? 0, max: y?.max ?? 1 },
    isLog: (y?.distr as number | undefined) === LOG_SCALE,
    curves: curves.map((curve) => ({ ...curve, stroke: styleColor(seriesColor(curve.color)) })),
    colors: {
      ground: styleColor("--surface"),
      text: styleColor("--text"),
      muted: styleColor("--muted"),
      grid: styleColor("--grid"),
    },
  });
}

/** Draws title and legend above the chart's own canvas. */
async function pngOf({ title, curves, plot }: SavedChart): Promise<Blob> {
  const drawn = plot.ctx.canvas;
  const scale = devicePixelRatio;
  const head = 44 * scale;
  const canvas = document.createElement("canvas");
  canvas.width = drawn.width;
  canvas.height = drawn.height + head;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("the browser has no canvas");
  context.fillStyle = styleColor("--surface");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.textBaseline = "top";
  context.fillStyle = styleColor("--text");
  context.font = `600 ${13 * scale}px system-ui, sans-serif`;
  context.fillText(title, 10 * scale, 6 * scale);
  context.font = `${11 * scale}px system-ui, sans-serif`;
  let left = 10 * scale;
  for (const { label, color } of curves) {
    context.fillStyle = styleColor(seriesColor(color));
    context.fillRect(left, 31 * scale, 12 * scale, 3 * scale);
    context.fillStyle = styleColor("--muted");
    context.fillText(label, left + 16 * scale, 26 * scale);
    left += 30 * scale + context.measureText(label).width;
  }
  context.drawImage(drawn, 0, head);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) =>
      blob === null ? reject(new Error("the chart is empty")) : resolve(blob),
    );
  });
}
