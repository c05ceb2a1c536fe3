/** All runs as a table. */
import { RunList, type RunSummary } from "@gumshoe/api";
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useMemo } from "preact/hooks";

import { useMessage, useNews } from "../api/live.js";
import { runHref } from "../api/paths.js";
import { useData } from "../api/use-data.js";
import { WhenLoaded } from "../shell/states.js";
import { useTitle } from "../shell/view.js";
import { DataTable } from "../table/data-table.js";
import { runColumns } from "./run-columns.js";

/** Draws the table. */
export function RunsView() {
  useTitle("Runs");
  useNews(null);
  const data = useData("/api/runs", RunList);
  useMessage("runs", (news) => data.change(() => news), []);
  const marked = useSignal<ReadonlySet<string>>(new Set());
  const words = useSignal("");
  const { route } = useLocation();
  const columns = useMemo(() => runColumns(marked), []);
  const names = [...marked.value].map(encodeURIComponent).join(",");
  return (
    <>
      <div class="title">
        <h1>Runs</h1>
        <div class="end">
          <input
            class="input"
            type="search"
            placeholder="Filter by name, state, model"
            aria-label="Filter the runs"
            value={words}
            onInput={(event) => (words.value = event.currentTarget.value)}
          />
          <button
            class="button"
            type="button"
            disabled={marked.value.size < 2}
            onClick={() => route(`/compare?runs=${names}`)}
          >
            Compare {marked.value.size > 1 ? `${marked.value.size} runs` : ""}
          </button>
          <a class="button" href="/new">
            New run
          </a>
        </div>
      </div>
      <WhenLoaded data={data}>
        {({ runs }) => (
          <section class="card">
            <DataTable
              label="Runs"
              columns={columns}
              rows={runs.filter((run) => matches(run, words.value))}
              rowKey={({ name }) => name}
              marked={marked}
              initialOrder={{ key: "submitted", isDescending: true }}
              onOpen={({ name }) => route(runHref(name))}
              maxHeight="calc(100vh - 130px)"
              minWidth="1360px"
              empty={
                runs.length === 0
                  ? "No run yet. Start one with: gumshoe submit runs/first.yaml"
                  : "No run matches"
              }
            />
          </section>
        )}
      </WhenLoaded>
    </>
  );
}

function matches({ name, status, model, type }: RunSummary, words: string): boolean {
  const text = [name, status, model, type].join(" ").toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
