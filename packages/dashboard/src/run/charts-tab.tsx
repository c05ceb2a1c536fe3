/** The curves of a run. */
import type { RunDetail, RunEventItem, RunEvents, Series } from "@gumshoe/api";
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";

import { useEvents, useSeries } from "../api/run-data.js";
import { Chart } from "../chart/chart.js";
import { ChartSettings, chartSettings } from "../chart/chart-settings.js";
import type { AxisKind, Mark } from "../chart/curve.js";
import type { Range } from "../chart/plot-options.js";
import { WhenLoaded } from "../shell/states.js";
import { Section } from "../shell/view.js";
import { chartsOf, curveOf } from "./chart-catalogue.js";

/** Draws the charts of a run. */
export function ChartsTab({ run }: { readonly run: RunDetail }) {
  const data = useSeries(run.name);
  const events = useEvents(run.name);
  return (
    <WhenLoaded data={data}>
      {(series) => <Charts series={series} events={events.value} />}
    </WhenLoaded>
  );
}

function Charts({
  series,
  events,
}: {
  readonly series: Series;
  readonly events: RunEvents | null;
}) {
  const zoom = useSignal<Range | null>(null);
  const settings = chartSettings.value;
  const { axis } = settings;
  const sections = useMemo(() => sectionsOf(series, axis), [series, axis]);
  const marks = useMemo(() => marksOf(events?.events ?? [], axis), [events, axis]);
  return (
    <>
      <ChartSettings zoom={zoom} />
      {sections.length === 0 && <p class="card empty">The first iteration is not done yet</p>}
      {sections.map(({ title, charts }) => (
        <section key={title} class="stack" aria-label={title}>
          <Section title={title} />
          <div class="charts">
            {charts.map((chart) => (
              <Chart
                key={chart.title}
                title={chart.title}
                hint={chart.hint}
                curves={chart.curves}
                marks={marks}
                axis={axis}
                style={settings}
                zoom={zoom}
                syncKey={series.run}
              />
            ))}
          </div>
        </section>
      ))}
    </>
  );
}

function sectionsOf(series: Series, axis: AxisKind) {
  const charts = chartsOf(series).map((plan) => ({
    ...plan,
    curves: plan.lines.map((line, color) => curveOf(series, line, { axis, color })),
  }));
  const titles = [...new Set(charts.map(({ section }) => section))];
  return titles.map((title) => ({
    title,
    charts: charts.filter(({ section }) => section === title),
  }));
}

/** What is marked on the axis, beside what the curves show. */
const TONES: Readonly<Partial<Record<RunEventItem["kind"], Mark["tone"]>>> = {
  checkpoint: "plain",
  tier: "plain",
  resumed: "warn",
  warning: "warn",
  "worker-lost": "bad",
  failed: "bad",
  stuck: "bad",
};

function marksOf(events: readonly RunEventItem[], axis: AxisKind): Mark[] {
  return events.flatMap(({ kind, iteration, atMs, workedSeconds, text }) => {
    const tone = TONES[kind];
    if (tone === undefined) return [];
    const places = { iteration, worked: workedSeconds / 3600, clock: atMs / 1000 };
    return [{ x: places[axis], label: text, tone }];
  });
}
