/** Draws curves as an SVG file that stands alone: no style sheet, no script. */
import { formatMoment, formatNumber } from "../figures/format.js";
import type { AxisKind, Curve } from "./curve.js";
import type { Range } from "./plot-options.js";

/** All that a drawing depends on. */
export interface SvgChart {
  readonly title: string;
  readonly axis: AxisKind;
  readonly width: number;
  readonly height: number;
  readonly x: Range;
  readonly y: Range;
  readonly isLog: boolean;
  readonly curves: readonly (Curve & { readonly stroke: string })[];
  readonly colors: Readonly<Record<"ground" | "text" | "muted" | "grid", string>>;
}

const MARGIN = { left: 64, right: 16, top: 60, bottom: 32 };
const NUM_TICKS = 6;

/** Returns the text of an SVG file. */
export function drawSvg(chart: SvgChart): string {
  const { width, height, colors, title } = chart;
  const place = placer(chart);
  const ticks = [...ticksOf(chart.y)].map((tick) => yTick(chart, place, tick));
  const xTicks = [...ticksOf(chart.x)].map((tick) => xTick(chart, place, tick));
  const plotWidth = width - MARGIN.left - MARGIN.right;
  const plotHeight = height - MARGIN.top - MARGIN.bottom;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="${colors.ground}"/>`,
    `<text x="16" y="24" font-size="15" font-weight="600" fill="${colors.text}">${escaped(title)}</text>`,
    ...legend(chart),
    ...ticks,
    ...xTicks,
    `<clipPath id="plot"><rect x="${MARGIN.left}" y="${MARGIN.top}" width="${plotWidth}" height="${plotHeight}"/></clipPath>`,
    `<g clip-path="url(#plot)">`,
    ...chart.curves.flatMap((curve) => [bandPath(curve, place), curvePath(curve, place)]),
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

type Placer = (x: number, y: number) => readonly [number, number];

function placer({ x, y, width, height, isLog }: SvgChart): Placer {
  const up = (value: number) => (isLog ? Math.log10(value) : value);
  const [low, high] = [up(y.min), up(y.max)];
  const across = (width - MARGIN.left - MARGIN.right) / (x.max - x.min || 1);
  const along = (height - MARGIN.top - MARGIN.bottom) / (high - low || 1);
  return (atX, atY) => [
    round(MARGIN.left + (atX - x.min) * across),
    round(height - MARGIN.bottom - (up(atY) - low) * along),
  ];
}

function* ticksOf({ min, max }: Range): Generator<number> {
  const raw = (max - min) / NUM_TICKS || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw) ?? raw;
  for (let tick = Math.ceil(min / step) * step; tick <= max; tick += step) {
    yield Math.abs(tick) < step / 1e6 ? 0 : tick;
  }
}

function yTick({ width, colors, isLog }: SvgChart, place: Placer, tick: number): string {
  if (isLog && tick <= 0) return "";
  const [, y] = place(0, tick);
  const line = `<path d="M${MARGIN.left} ${y}H${width - MARGIN.right}" stroke="${colors.grid}"/>`;
  const text = `<text x="${MARGIN.left - 8}" y="${y + 4}" text-anchor="end" fill="${colors.muted}">${formatNumber(tick, 3)}</text>`;
  return line + text;
}

function xTick({ height, colors, axis, y }: SvgChart, place: Placer, tick: number): string {
  const [x] = place(tick, y.max);
  const label = axis === "clock" ? formatMoment(tick * 1000).slice(5, 16) : formatNumber(tick, 6);
  const line = `<path d="M${x} ${MARGIN.top}V${height - MARGIN.bottom}" stroke="${colors.grid}"/>`;
  const text = `<text x="${x}" y="${height - 12}" text-anchor="middle" fill="${colors.muted}">${label}</text>`;
  return line + text;
}

function legend({ curves, colors }: SvgChart): string[] {
  let left = 16;
  return curves.map(({ label, stroke }) => {
    const at = left;
    left += 34 + label.length * 7;
    const line = `<path d="M${at} 42h14" stroke="${stroke}" stroke-width="3"/>`;
    return `${line}<text x="${at + 19}" y="46" fill="${colors.muted}">${escaped(label)}</text>`;
  });
}

function curvePath({ x, y, stroke }: SvgChart["curves"][number], place: Placer): string {
  const path = pathOf(x, y, place);
  return `<path d="${path}" fill="none" stroke="${stroke}" stroke-width="1.8" stroke-linejoin="round"/>`;
}

function bandPath({ x, band, stroke }: SvgChart["curves"][number], place: Placer): string {
  if (band === undefined) return "";
  const has = x.map((_, i) => i).filter((i) => isNumber(band.low[i]) && isNumber(band.high[i]));
  if (has.length === 0) return "";
  const point = (i: number, values: readonly (number | null)[]) =>
    place(x[i] ?? 0, values[i] ?? 0).join(" ");
  const there = has.map((i) => point(i, band.high));
  const back = has.reverse().map((i) => point(i, band.low));
  return `<path d="M${[...there, ...back].join("L")}Z" fill="${stroke}" fill-opacity="0.15"/>`;
}

function pathOf(x: readonly number[], y: readonly (number | null)[], place: Placer): string {
  let pen = "M";
  let path = "";
  y.forEach((value, i) => {
    const [left, top] = place(x[i] ?? 0, value ?? 0);
    const isDrawn = value !== null && Number.isFinite(top);
    if (isDrawn) path += `${pen}${left} ${top}`;
    pen = isDrawn ? "L" : "M";
  });
  return path;
}

function isNumber(value: number | null | undefined): value is number {
  return typeof value === "number";
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
