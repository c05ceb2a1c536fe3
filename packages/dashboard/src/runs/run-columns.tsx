/** The columns of the table of runs. */
import { type RunSummary, Series } from "@gumshoe/api";
import type { Signal } from "@preact/signals";

import { runApi, runHref } from "../api/paths.js";
import { useData } from "../api/use-data.js";
import { Sparkline } from "../chart/sparkline.js";
import { formatAgo, formatFixed, formatSeconds } from "../figures/format.js";
import { Progress, RunState } from "../figures/run-state.js";
import { type TableColumn, toggle } from "../table/data-table.js";

const TREND_POINTS = 60;

/** Returns the columns; their first marks runs to compare. */
export function runColumns(marked: Signal<ReadonlySet<string>>): TableColumn<RunSummary>[] {
  return [markColumn(marked), ...ABOUT, ...FIGURES];
}

/** The reward of a run as a small curve; only rows near the visible part load theirs. */
function Trend({ run }: { readonly run: RunSummary }) {
  const path = runApi(run.name, `/series?names=meanReward&points=${TREND_POINTS}`);
  // A long run's small curve does not change with every iteration.
  const step = Math.max(1, Math.ceil(run.iterationsTotal / TREND_POINTS));
  const { value } = useData(path, Series, Math.floor(run.iterationsDone / step));
  return <Sparkline values={value?.columns[0]?.values ?? []} label={`Reward of ${run.name}`} />;
}

function markColumn(marked: Signal<ReadonlySet<string>>): TableColumn<RunSummary> {
  return {
    key: "mark",
    title: "",
    width: "40px",
    cell: ({ name }) => (
      <input
        type="checkbox"
        aria-label={`Compare ${name}`}
        checked={marked.value.has(name)}
        onChange={() => toggle(marked, name)}
      />
    ),
  };
}

const ABOUT: readonly TableColumn<RunSummary>[] = [
  {
    key: "name",
    title: "Run",
    width: "minmax(160px, 1.4fr)",
    order: ({ name }) => name,
    cell: ({ name }) => (
      <a href={runHref(name)} title={name}>
        <b>{name}</b>
      </a>
    ),
  },
  {
    key: "status",
    title: "State",
    width: "minmax(150px, 0.7fr)",
    order: ({ status }) => status,
    cell: ({ status, alarms, error, waitingFor, priority, ahead }) => (
      <span title={error || waitingFor || (ahead.length > 0 ? `behind ${ahead.join(", ")}` : "")}>
        <RunState state={status} /> {priority !== 0 && <span class="tag">priority {priority}</span>}{" "}
        {alarms > 0 && (
          <span class="tag warn">
            {alarms} {alarms === 1 ? "alarm" : "alarms"}
          </span>
        )}
      </span>
    ),
  },
  {
    key: "iterations",
    title: "Iterations",
    width: "150px",
    isNumber: true,
    order: ({ iterationsDone }) => iterationsDone,
    cell: ({ name, iterationsDone, iterationsTotal }) => (
      <>
        {iterationsDone} <span class="muted">of {iterationsTotal}</span>
        <Progress done={iterationsDone} total={iterationsTotal} label={`Iterations of ${name}`} />
      </>
    ),
  },
];

const FIGURES: readonly TableColumn<RunSummary>[] = [
  {
    key: "reward",
    title: "Reward",
    hint: "Mean reward of the newest iteration",
    width: "84px",
    isNumber: true,
    order: ({ reward }) => reward,
    cell: ({ reward }) => formatFixed(reward),
  },
  { key: "trend", title: "", width: "130px", cell: (run) => <Trend run={run} /> },
  {
    key: "validation",
    title: "Validation",
    hint: "Mean reward of the newest validation",
    width: "100px",
    isNumber: true,
    order: ({ validation }) => validation?.reward ?? null,
    cell: ({ validation }) => formatFixed(validation?.reward),
  },
  {
    key: "best",
    title: "Best",
    hint: "Mean reward of the best validation",
    width: "80px",
    isNumber: true,
    order: ({ bestValidation }) => bestValidation?.reward ?? null,
    cell: ({ bestValidation }) => formatFixed(bestValidation?.reward),
  },
  {
    key: "worked",
    title: "Worked",
    width: "110px",
    isNumber: true,
    order: ({ workedSeconds }) => workedSeconds,
    cell: ({ workedSeconds }) => formatSeconds(workedSeconds),
  },
  {
    key: "left",
    title: "Left",
    width: "110px",
    isNumber: true,
    order: ({ secondsLeft }) => secondsLeft,
    cell: ({ secondsLeft }) => formatSeconds(secondsLeft),
  },
  {
    key: "submitted",
    title: "Submitted",
    width: "105px",
    isNumber: true,
    order: ({ submittedAtMs }) => submittedAtMs,
    cell: ({ submittedAtMs }) => formatAgo(submittedAtMs, Date.now()),
  },
  {
    key: "model",
    title: "Model",
    width: "minmax(140px, 1fr)",
    order: ({ model }) => model,
    cell: ({ model }) => (
      <span class="muted" title={model}>
        {model}
      </span>
    ),
  },
];
