/** The curves of several runs over each other. */
import { type RunSummary, Series } from "@gumshoe/api";
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

import { runApi } from "../api/paths.js";
import { get } from "../api/request.js";
import { Chart } from "../chart/chart.js";
import { ChartSettings, chartSettings } from "../chart/chart-settings.js";
import type { AxisKind } from "../chart/curve.js";
import type { Range } from "../chart/plot-options.js";
import { chartsOf, curveOf } from "../run/chart-catalogue.js";

const MAX_POINTS = 1000;

/** Draws a chart for each metric, with a curve for each run that has it. */
export function ComparedCurves({ runs }: { readonly runs: readonly RunSummary[] }) {
  const zoom = useSignal<Range | null>(null);
  const loaded = useAllSeries(runs);
  const settings = chartSettings.value;
  const charts = useMemo(() => overlay(loaded, settings.axis), [loaded, settings.axis]);
  return (
    <>
      <ChartSettings zoom={zoom} />
      <div class="charts">
        {charts.map(({ title, hint, curves }) => (
          <Chart
            key={title}
            title={title}
            hint={hint}
            curves={curves}
            axis={settings.axis}
            style={settings}
            zoom={zoom}
            syncKey="compare"
          />
        ))}
      </div>
    </>
  );
}

/** Loads the metrics of all runs, in their order; again when one of them has gone on. */
function useAllSeries(runs: readonly RunSummary[]): readonly Series[] {
  const loaded = useSignal<readonly Series[]>([]);
  const key = runs.map(({ name, iterationsDone }) => `${name} ${iterationsDone}`).join("\n");
  useEffect(() => {
    const abort = new AbortController();
    const paths = runs.map(({ name }) => runApi(name, `/series?points=${MAX_POINTS}`));
    void Promise.all(paths.map((path) => get(path, Series, abort.signal))).then((outcomes) => {
      if (abort.signal.aborted) return;
      loaded.value = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value] : []));
    });
    return () => abort.abort();
  }, [key]);
  return loaded.value;
}

function overlay(loaded: readonly Series[], axis: AxisKind) {
  const sources = loaded.map((series, color) => ({ series, color, plans: chartsOf(series) }));
  const plans = new Map(
    sources.flatMap((source) =>
      source.plans.flatMap(({ title, hint, lines }) =>
        lines.map((line) => {
          const name = lines.length > 1 ? `${title}: ${line.label}` : title;
          return [name, { hint, line }] as const;
        }),
      ),
    ),
  );
  return [...plans].map(([title, { hint, line }]) => ({
    title,
    hint,
    curves: sources
      .map(({ series, color }) => curveOf(series, line, { axis, color, label: series.run }))
      .filter(({ y }) => y.some((value) => value !== null)),
  }));
}
