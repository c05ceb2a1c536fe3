/** The groups of an iteration as a table. */
import type { GroupKind, GroupRow, RunDetail } from "@gumshoe/api";
import { useLocation } from "preact-iso";

import { groupHref, kindOf } from "../api/paths.js";
import { useGroups } from "../api/run-data.js";
import { formatCount, formatFixed } from "../figures/format.js";
import { WhenLoaded } from "../shell/states.js";
import { useQuery } from "../shell/view.js";
import { DataTable, type TableColumn } from "../table/data-table.js";

/** What the number of an iteration says of the groups of a kind. */
const PLACES: Readonly<Record<GroupKind, string>> = {
  train: "Iteration",
  validation: "Before iteration",
  report: "Weights after iterations",
};

/** Draws the table, with a choice of the iteration. */
export function AnswersTab({ run }: { readonly run: RunDetail }) {
  const [query, change] = useQuery();
  const { route } = useLocation();
  const kind = kindOf(query["kind"]);
  const iterations = iterationsOf(run, kind);
  const last = iterations.at(-1) ?? 0;
  const iteration = Math.max(0, Math.trunc(Number(query["iteration"] ?? last)) || 0);
  const data = useGroups(run.name, iteration, kind);
  const { value } = data;
  const soFar =
    value === null || value.complete
      ? null
      : `${value.groups.length} of ${value.expected ?? "?"} groups so far`;
  return (
    <>
      <Choice
        iterations={iterations}
        iteration={iteration}
        kind={kind}
        change={change}
        soFar={soFar}
      />
      <WhenLoaded data={data}>
        {({ groups }) => (
          <section class="card">
            <DataTable
              label="Groups of answers"
              columns={COLUMNS}
              rows={groups}
              rowKey={({ group }) => String(group)}
              initialOrder={{ key: "group", isDescending: false }}
              onOpen={({ group }) => route(groupHref({ run: run.name, iteration, kind, group }))}
              maxHeight="max(320px, calc(100vh - 300px))"
              minWidth="900px"
              empty="No group is sampled yet"
            />
          </section>
        )}
      </WhenLoaded>
    </>
  );
}

function Choice(props: {
  readonly iterations: readonly number[];
  readonly iteration: number;
  readonly kind: GroupKind;
  readonly change: (changes: Record<string, string | null>) => void;
  readonly soFar: string | null;
}) {
  const { iterations, iteration, kind, change } = props;
  const last = iterations.at(-1) ?? 0;
  const step = (by: 1 | -1) => {
    const to =
      by > 0
        ? iterations.find((one) => one > iteration)
        : iterations.findLast((one) => one < iteration);
    if (to !== undefined) change({ iteration: String(to) });
  };
  return (
    <div class="toolbar">
      <label class="field">
        Answers
        <select
          class="input"
          value={kind}
          onChange={(event) => change({ kind: event.currentTarget.value, iteration: null })}
        >
          <option value="train">for training</option>
          <option value="validation">of the validation</option>
          <option value="report">of the report</option>
        </select>
      </label>
      <span class="field">
        {PLACES[kind]}
        <button
          class="button"
          type="button"
          aria-label="Previous iteration"
          disabled={iteration <= (iterations[0] ?? 0)}
          onClick={() => step(-1)}
        >
          ←
        </button>
        <input
          class="input short"
          type="number"
          min="0"
          aria-label="Iteration"
          value={iteration}
          onChange={(event) => change({ iteration: event.currentTarget.value })}
        />
        <button
          class="button"
          type="button"
          aria-label="Next iteration"
          disabled={iteration >= last}
          onClick={() => step(1)}
        >
          →
        </button>
      </span>
      {props.soFar !== null && <span class="muted">{props.soFar}</span>}
    </div>
  );
}

/** Lists the iterations that have groups of a kind, in order. */
function iterationsOf(run: RunDetail, kind: GroupKind): number[] {
  if (kind === "report") return run.report === null ? [] : [run.report.iteration];
  if (kind === "validation") {
    const validated = new Set(run.validations.map(({ iteration }) => iteration));
    if (run.validation !== null) validated.add(run.validation.iteration);
    return [...validated].sort((a, b) => a - b);
  }
  const isSampling = run.progress !== null && run.iterationsDone < run.iterationsTotal;
  return Array.from({ length: run.iterationsDone + (isSampling ? 1 : 0) }, (_, i) => i);
}

/** Draws the rewards of a group as one line each, from 0 to 1. */
function Rewards({ rewards }: { readonly rewards: readonly (number | null)[] }) {
  const scored = rewards.flatMap((reward) => (reward === null ? [] : [reward]));
  const low = Math.min(0, ...scored);
  const width = Math.max(1, ...scored) - low;
  return (
    <span
      class="spread"
      role="img"
      aria-label={`Rewards ${scored.map((one) => formatFixed(one, 2)).join(", ")}`}
    >
      {scored.map((reward, i) => (
        <i key={i} style={{ left: `calc(${((reward - low) / width) * 100}% - 1px)` }} />
      ))}
    </span>
  );
}

const COLUMNS: readonly TableColumn<GroupRow>[] = [
  {
    key: "group",
    title: "Group",
    width: "72px",
    isNumber: true,
    order: ({ group }) => group,
    cell: ({ group }) => group,
  },
  {
    key: "task",
    title: "Task",
    width: "minmax(160px, 1.4fr)",
    order: ({ task }) => task,
    cell: ({ task, greedy }) => (
      <>
        <b title={task ?? undefined}>{task ?? <span class="muted">not written yet</span>}</b>{" "}
        {greedy && <span class="tag">greedy</span>}
      </>
    ),
  },
  {
    key: "rewards",
    title: "Rewards",
    hint: "One line for each answer, from 0 to 1",
    width: "minmax(120px, 1fr)",
    cell: ({ rewards }) => <Rewards rewards={rewards} />,
  },
  {
    key: "mean",
    title: "Mean",
    width: "80px",
    isNumber: true,
    order: ({ mean }) => mean,
    cell: ({ mean }) => formatFixed(mean),
  },
  {
    key: "spread",
    title: "Spread",
    hint: "Standard deviation of the rewards; 0: the group has no gradient",
    width: "80px",
    isNumber: true,
    order: ({ spread }) => spread,
    cell: ({ spread, learns, kind }) => (
      <span class={!learns && kind === "train" ? "muted" : ""}>{formatFixed(spread)}</span>
    ),
  },
  {
    key: "answers",
    title: "Answers",
    width: "80px",
    isNumber: true,
    order: ({ answers }) => answers,
    cell: ({ answers }) => answers,
  },
  {
    key: "tokens",
    title: "Mean tokens",
    width: "105px",
    isNumber: true,
    order: ({ meanTokens }) => meanTokens,
    cell: ({ meanTokens }) => formatFixed(meanTokens, 1),
  },
  {
    key: "cut",
    title: "Cut off",
    hint: "Answers that ended at the length limit",
    width: "78px",
    isNumber: true,
    order: ({ truncated }) => truncated,
    cell: ({ truncated }) => formatCount(truncated),
  },
  {
    key: "stopped",
    title: "Stopped",
    hint: "Answers that were stopped as degenerate",
    width: "84px",
    isNumber: true,
    order: ({ earlyStopped }) => earlyStopped,
    cell: ({ earlyStopped }) => formatCount(earlyStopped),
  },
];
