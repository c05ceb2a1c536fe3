/** What happened in a run, the newest first. */
import type { RunDetail, RunEventItem } from "@gumshoe/api";
import { useMemo } from "preact/hooks";

import { useEvents } from "../api/run-data.js";
import { formatMoment } from "../figures/format.js";
import { WhenLoaded } from "../shell/states.js";
import { DataTable, type TableColumn } from "../table/data-table.js";

/** Draws the events. */
export function HistoryTab({ run }: { readonly run: RunDetail }) {
  const data = useEvents(run.name);
  return (
    <WhenLoaded data={data}>
      {({ events }) => (
        <section class="card">
          <Events events={events} />
        </section>
      )}
    </WhenLoaded>
  );
}

function Events({ events }: { readonly events: readonly RunEventItem[] }) {
  const newestFirst = useMemo(() => [...events].reverse(), [events]);
  return (
    <DataTable
      label="Events"
      columns={COLUMNS}
      rows={newestFirst}
      rowKey={({ number }) => String(number)}
      maxHeight="calc(100vh - 260px)"
      minWidth="720px"
    />
  );
}

const COLUMNS: readonly TableColumn<RunEventItem>[] = [
  {
    key: "at",
    title: "Time",
    width: "160px",
    order: ({ number }) => number,
    cell: ({ atMs }) => formatMoment(atMs),
  },
  {
    key: "iteration",
    title: "Iteration",
    width: "90px",
    isNumber: true,
    order: ({ iteration }) => iteration,
    cell: ({ iteration }) => iteration,
  },
  {
    key: "kind",
    title: "Event",
    width: "130px",
    order: ({ kind }) => kind,
    cell: ({ kind }) => <span class="tag">{kind}</span>,
  },
  { key: "text", title: "", width: "1fr", cell: ({ text }) => <span title={text}>{text}</span> },
];
