/** The line above a chart: its curves with their last values, or those under the pointer. */
import { formatMoment, formatNumber, formatSeconds } from "../figures/format.js";
import type { AxisKind, Curve, Mark } from "./curve.js";
import { seriesColor } from "../design/theme.js";

/** How near the pointer must be to a mark for its text to be shown. */
const NEAR: Readonly<Record<AxisKind, number>> = { iteration: 0.5, worked: 0.002, clock: 5 };

/** Draws the line. `at` is the place of the pointer, null without one. */
export function ReadOut(props: {
  readonly curves: readonly Curve[];
  readonly axis: AxisKind;
  readonly at: number | null;
  readonly marks: readonly Mark[];
}) {
  const { curves, axis, at, marks } = props;
  const here = at === null ? [] : marks.filter(({ x }) => Math.abs(x - at) <= NEAR[axis]);
  return (
    <div class="read-out">
      {curves.map((curve) => {
        const index = at === null ? lastIndex(curve) : indexAt(curve, at);
        const low = curve.band?.low[index] ?? null;
        const high = curve.band?.high[index] ?? null;
        return (
          <span key={curve.label}>
            <i class="swatch" style={{ background: `var(${seriesColor(curve.color)})` }} />
            {curves.length > 1 && <span class="muted">{curve.label}</span>}
            <b>{formatNumber(curve.y[index] ?? null)}</b>
            {low !== null && high !== null && (
              <small class="muted">
                {formatNumber(low, 3)} to {formatNumber(high, 3)}
              </small>
            )}
          </span>
        );
      })}
      {at !== null && <span class="place muted">{placeText(at, axis)}</span>}
      {here.map(({ label, tone }) => (
        <span key={label} class={`tag ${tone}`}>
          {label}
        </span>
      ))}
    </div>
  );
}

/** Describes a place of the axis. */
export function placeText(at: number, axis: AxisKind): string {
  if (axis === "clock") return formatMoment(at * 1000);
  return axis === "worked"
    ? `${formatSeconds(at * 3600)} worked`
    : `iteration ${formatNumber(at, 9)}`;
}

function lastIndex({ y }: Curve): number {
  return y.findLastIndex((value) => value !== null);
}

/** Finds the last measured place that is not after `at`. */
function indexAt({ x, y }: Curve, at: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  let index = low - 1;
  while (index >= 0 && (y[index] ?? null) === null) index -= 1;
  return index;
}
