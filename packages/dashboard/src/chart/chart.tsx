/**
 * A chart: its curves, the values under the pointer, and a menu that saves it.
 *
 * - It is drawn when it comes near the visible part of the page, and again when colours, width or
 *   the kind of its scales change; new points are only handed over.
 * - Keyboard: left and right move the pointer, plus and minus zoom, 0 or Escape shows everything.
 */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import { isDark, seriesColor } from "../design/theme.js";
import { formatNumber } from "../figures/format.js";
import { ChartMenu } from "./chart-menu.js";
import type { AxisKind, Curve, Mark } from "./curve.js";
import { placeText, ReadOut } from "./read-out.js";
import { plotData, type PlotStyle } from "./plot-data.js";
import { plotOptions, type Range } from "./plot-options.js";

const HEIGHT_PX = 190;
const ZOOM_STEP = 0.25;

/** What a chart shows. */
export interface ChartProps {
  readonly title: string;
  /** A sentence on what is measured and how to read it. */
  readonly hint?: string;
  readonly curves: readonly Curve[];
  readonly marks?: readonly Mark[];
  readonly axis: AxisKind;
  readonly style: PlotStyle;
  /** The visible part of the axis, shared by the charts of a page. */
  readonly zoom: Signal<Range | null>;
  readonly syncKey: string;
  readonly height?: number;
}

/** Draws a chart as a card. */
export function Chart(props: ChartProps) {
  const { title, hint, curves, axis } = props;
  const cursor = useSignal<number | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const plot = usePlot(box, props, cursor);
  const { current: drawn } = plot;
  const last = curves.map(({ y }) => y.findLast((value) => value !== null) ?? null);
  const isEmpty = last.every((value) => value === null);
  const index = cursor.value;
  const axisValues = drawn?.data[0] ?? [];
  return (
    <figure class="card chart">
      <figcaption>
        <h3 title={hint}>{title}</h3>
        <ChartMenu chart={() => plot.current && { title, axis, curves, plot: plot.current }} />
      </figcaption>
      <ReadOut
        curves={curves}
        axis={axis}
        at={index === null ? null : (axisValues[index] ?? null)}
        marks={props.marks ?? []}
      />
      <div
        ref={box}
        class="plot"
        tabIndex={0}
        role="slider"
        aria-label={`${title}, ${curves.map(({ label }) => label).join(", ")}`}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, axisValues.length - 1)}
        aria-valuenow={index ?? Math.max(0, axisValues.length - 1)}
        aria-valuetext={
          index === null
            ? `last values: ${last.map((value) => formatNumber(value)).join(", ")}`
            : placeText(axisValues[index] ?? 0, axis)
        }
        onKeyDown={(event) => {
          if (plot.current !== null && pressKey(plot.current, event.key)) event.preventDefault();
        }}
        onDblClick={() => (props.zoom.value = null)}
        style={{ height: `${props.height ?? HEIGHT_PX}px` }}
      >
        {isEmpty && <p class="empty">Nothing measured yet</p>}
      </div>
    </figure>
  );
}

/** Returns the small sign of a curve's colour. */
export function Swatch({ color }: { readonly color: number }) {
  return <i class="swatch" style={{ background: `var(${seriesColor(color)})` }} />;
}

function usePlot(
  box: { current: HTMLDivElement | null },
  props: ChartProps,
  cursor: Signal<number | null>,
) {
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const isNear = useSignal(false);
  const width = useSignal(0);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const near = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) isNear.value = true;
      },
      { rootMargin: "300px" },
    );
    const size = new ResizeObserver(() => (width.value = Math.floor(element.clientWidth)));
    near.observe(element);
    size.observe(element);
    return () => {
      near.disconnect();
      size.disconnect();
    };
  }, []);

  const { curves, axis, style, zoom, syncKey } = props;
  const shape = curves
    .map(({ label, color, band, dots }) => [label, color, band !== undefined, dots].join())
    .join("|");
  const isDrawable = isNear.value && width.value > 0;
  useEffect(() => {
    const element = box.current;
    if (element === null || !isDrawable) return;
    const data = plotData(latest.current.curves, style);
    const options = plotOptions({
      plot: data,
      axis,
      isLog: style.isLog,
      width: width.peek(),
      height: latest.current.height ?? HEIGHT_PX,
      syncKey: `${syncKey}-${axis}`,
      marks: () => latest.current.marks ?? [],
      onCursor: (index) => (cursor.value = index),
      onZoom: (range) => {
        const { min, max } = zoom.peek() ?? {};
        if (range?.min !== min || range?.max !== max) zoom.value = range;
      },
    });
    const made = new uPlot(options, data.data, element);
    plot.current = made;
    show(made, zoom.peek());
    const stop = zoom.subscribe((range) => show(made, range));
    return () => {
      stop();
      made.destroy();
      plot.current = null;
    };
  }, [isDrawable, axis, style.isLog, style.smoothing > 0, shape, isDark.value, syncKey]);

  useEffect(() => {
    plot.current?.setData(plotData(curves, style).data, zoom.peek() === null);
  }, [curves, style.smoothing]);

  useEffect(() => {
    plot.current?.redraw(false);
  }, [props.marks]);

  useEffect(() => {
    if (width.value > 0) {
      plot.current?.setSize({ width: width.value, height: props.height ?? HEIGHT_PX });
    }
  }, [width.value, props.height]);
  return plot;
}

function show(plot: uPlot, range: Range | null): void {
  const [x] = plot.data;
  const all = { min: x[0] ?? 0, max: x.at(-1) ?? 1 };
  const { min, max } = plot.scales["x"] ?? {};
  const wanted = range ?? all;
  if (min !== wanted.min || max !== wanted.max) plot.setScale("x", wanted);
}

/** Acts on a key; returns whether it was one of the chart's. */
function pressKey(plot: uPlot, key: string): boolean {
  const [x] = plot.data;
  const { min = 0, max = 1 } = plot.scales["x"] ?? {};
  const middle = (min + max) / 2;
  const half = (max - min) / 2;
  switch (key) {
    case "ArrowLeft":
    case "ArrowRight": {
      const from = plot.cursor.idx ?? x.length - 1;
      const to = Math.min(x.length - 1, Math.max(0, from + (key === "ArrowLeft" ? -1 : 1)));
      plot.setCursor({ left: plot.valToPos(x[to] ?? 0, "x"), top: 10 });
      return true;
    }
    case "+":
    case "=":
      plot.setScale("x", {
        min: middle - half * (1 - ZOOM_STEP),
        max: middle + half * (1 - ZOOM_STEP),
      });
      return true;
    case "-":
      plot.setScale("x", {
        min: Math.max(x[0] ?? 0, middle - half * (1 + ZOOM_STEP)),
        max: Math.min(x.at(-1) ?? 1, middle + half * (1 + ZOOM_STEP)),
      });
      return true;
    case "0":
    case "Escape":
      plot.setScale("x", { min: x[0] ?? 0, max: x.at(-1) ?? 1 });
      plot.setCursor({ left: -10, top: -10 });
      return true;
    default:
      return false;
  }
}
