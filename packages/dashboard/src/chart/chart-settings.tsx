/** How the charts of a view are drawn: kept in the browser, the same for every run. */
import { effect, type Signal, signal } from "@preact/signals";

import type { AxisKind } from "./curve.js";
import type { Range } from "./plot-options.js";

const STORE = "gumshoe.charts";
const MAX_SMOOTHING = 0.98;

interface Kept {
  readonly axis: AxisKind;
  readonly isLog: boolean;
  readonly smoothing: number;
}

/** What the reader has chosen. */
export const chartSettings = signal<Kept>(kept());
effect(() => {
  const text = JSON.stringify(chartSettings.value);
  try {
    localStorage.setItem(STORE, text);
  } catch {
    // A browser without storage forgets the choice.
  }
});

function kept(): Kept {
  const standard: Kept = { axis: "iteration", isLog: false, smoothing: 0 };
  try {
    const found = JSON.parse(localStorage.getItem(STORE) ?? "{}") as Partial<Kept>;
    const { axis, isLog, smoothing = 0 } = found;
    return {
      axis: axis === "worked" || axis === "clock" ? axis : "iteration",
      isLog: isLog === true,
      smoothing: smoothing >= 0 && smoothing <= MAX_SMOOTHING ? smoothing : 0,
    };
  } catch {
    return standard;
  }
}

const AXES: readonly { readonly kind: AxisKind; readonly title: string; readonly hint: string }[] =
  [
    { kind: "iteration", title: "Iteration", hint: "Curves by iteration" },
    { kind: "worked", title: "Worked", hint: "Curves by hours of work, pauses excluded" },
    { kind: "clock", title: "Clock", hint: "Curves by date and time" },
  ];

/** Draws the controls of a view's charts. */
export function ChartSettings({ zoom }: { readonly zoom: Signal<Range | null> }) {
  const { axis, isLog, smoothing } = chartSettings.value;
  const change = (to: Partial<Kept>) => (chartSettings.value = { ...chartSettings.value, ...to });
  const turn = (to: AxisKind) => {
    zoom.value = null;
    change({ axis: to });
  };
  return (
    <div class="toolbar">
      <span class="segments" role="group" aria-label="Axis">
        {AXES.map(({ kind, title, hint }) => (
          <button
            key={kind}
            type="button"
            title={hint}
            aria-pressed={axis === kind}
            onClick={() => turn(kind)}
          >
            {title}
          </button>
        ))}
      </span>
      <span class="segments" role="group" aria-label="Scale">
        <button type="button" aria-pressed={!isLog} onClick={() => change({ isLog: false })}>
          Linear
        </button>
        <button type="button" aria-pressed={isLog} onClick={() => change({ isLog: true })}>
          Log
        </button>
      </span>
      <label class="field">
        Smoothing
        <input
          type="range"
          min="0"
          max={MAX_SMOOTHING}
          step="0.02"
          value={smoothing}
          onInput={(event) => change({ smoothing: Number(event.currentTarget.value) })}
        />
        <output>{smoothing.toFixed(2)}</output>
      </label>
      <button
        class="button quiet"
        type="button"
        disabled={zoom.value === null}
        onClick={() => (zoom.value = null)}
      >
        Show all
      </button>
    </div>
  );
}
