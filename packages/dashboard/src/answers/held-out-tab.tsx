/** The held-out tasks of a run by validation: which are learned, and which are lost. */
import { type HeldOutTask, HeldOutTasks, type RunDetail } from "@gumshoe/api";
import { useLocation } from "preact-iso";
import { useMemo } from "preact/hooks";

import { runApi, runHref } from "../api/paths.js";
import { useData } from "../api/use-data.js";
import { formatFixed } from "../figures/format.js";
import { WhenLoaded } from "../shell/states.js";
import { DataTable, type TableColumn } from "../table/data-table.js";

const NUM_SHADES = 8;
/** Validations that have a column; of more, these are spread over the run. */
const MAX_COLUMNS = 16;

/** Draws a table of tasks by validation. */
export function HeldOutTab({ run }: { readonly run: RunDetail }) {
  const data = useData(runApi(run.name, "/held-out"), HeldOutTasks, run.validation?.iteration ?? 0);
  return (
    <WhenLoaded data={data}>
      {(found) => (
        <section class="card">
          <TaskTable run={run.name} found={found} />
        </section>
      )}
    </WhenLoaded>
  );
}

function TaskTable({ run, found }: { readonly run: string; readonly found: HeldOutTasks }) {
  const { route } = useLocation();
  const columns = useMemo(() => columnsOf(found.iterations), [found]);
  return (
    <DataTable
      label="Held-out tasks"
      columns={columns}
      rows={found.tasks}
      rowKey={({ task }) => String(task)}
      onOpen={({ task }) => route(runHref(run, `/held-out/${task}`))}
      maxHeight="max(320px, calc(100vh - 270px))"
      minWidth={`${200 + 76 * Math.min(found.iterations.length, MAX_COLUMNS)}px`}
      empty="No validation is done yet"
    />
  );
}

function columnsOf(iterations: readonly number[]): TableColumn<HeldOutTask>[] {
  const step = Math.max(1, (iterations.length - 1) / (MAX_COLUMNS - 1));
  const count = Math.min(MAX_COLUMNS, iterations.length);
  const shown = Array.from({ length: count }, (_, i) => iterations[Math.round(i * step)] ?? 0);
  const meanAt = ({ points }: HeldOutTask, iteration: number) =>
    points.find((point) => point.iteration === iteration)?.mean ?? null;
  const gain = (task: HeldOutTask) => {
    const [first, last] = [meanAt(task, shown[0] ?? 0), meanAt(task, shown.at(-1) ?? 0)];
    return first === null || last === null ? null : last - first;
  };
  return [
    {
      key: "task",
      title: "Task",
      width: "80px",
      isNumber: true,
      order: ({ task }) => task,
      cell: ({ task }) => <b>{task}</b>,
    },
    {
      key: "gain",
      title: "Change",
      hint: "Of the mean reward, from the first validation to the newest",
      width: "90px",
      isNumber: true,
      order: gain,
      cell: (task) => formatFixed(gain(task)),
    },
    ...shown.map((iteration): TableColumn<HeldOutTask> => ({
      key: `at-${iteration}`,
      title: String(iteration),
      hint: `Mean reward of the sampled answers before iteration ${iteration}`,
      width: "minmax(64px, 1fr)",
      isNumber: true,
      order: (task) => meanAt(task, iteration),
      cell: (task) => {
        const mean = meanAt(task, iteration);
        const shade = Math.round(Math.min(1, Math.max(0, mean ?? 0)) * NUM_SHADES);
        return <span class={`share-${shade} share`}>{formatFixed(mean, 2)}</span>;
      },
    })),
  ];
}
