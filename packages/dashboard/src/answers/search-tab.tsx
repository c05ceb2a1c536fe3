/** Searches the answers of a run. */
import { type FoundAnswer, FoundAnswers, type RunDetail } from "@gumshoe/api";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso";

import { groupHref, runApi } from "../api/paths.js";
import { get } from "../api/request.js";
import { formatCount, formatFixed } from "../figures/format.js";
import { useQuery } from "../shell/view.js";
import { DataTable, type TableColumn } from "../table/data-table.js";
import { visibleText } from "../text/visible-text.js";

const FILTERS = [
  ...["words", "kind", "from", "to", "minReward", "maxReward"],
  ...["minTokens", "maxTokens", "finish"],
] as const;
const PAGE = 100;

/** Draws the filters and what is found; more is searched when the end of the table is reached. */
export function SearchTab({ run }: { readonly run: RunDetail }) {
  const [query] = useQuery();
  const { route } = useLocation();
  const asked = new URLSearchParams({ limit: String(PAGE) });
  for (const name of FILTERS) if (query[name]) asked.set(name, query[name]);
  const { rows, next, more, state } = useSearch(runApi(run.name, "/answers"), asked.toString());
  return (
    <>
      <Filters />
      <p class="muted" role="status">
        {state}
        {next !== null && state !== "Searching …" && (
          <button class="button quiet" type="button" onClick={more}>
            Search further
          </button>
        )}
      </p>
      <section class="card">
        <DataTable
          label="Found answers"
          columns={COLUMNS}
          rows={rows}
          rowKey={({ iteration, kind, group, index }) => `${iteration}-${kind}-${group}-${index}`}
          onOpen={({ iteration, kind, group }) =>
            route(groupHref({ run: run.name, iteration, kind, group }))
          }
          onEnd={more}
          maxHeight="max(320px, calc(100vh - 330px))"
          minWidth="900px"
          empty={next === null ? "No answer matches" : " "}
        />
      </section>
    </>
  );
}

function useSearch(path: string, asked: string) {
  const found = useSignal<readonly FoundAnswer[]>([]);
  const next = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  const problem = useSignal<string | null>(null);
  const search = async (cursor: string | null, abort: AbortSignal | undefined) => {
    isBusy.value = true;
    const part = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const outcome = await get(`${path}?${asked}${part}`, FoundAnswers, abort);
    if (abort?.aborted) return;
    isBusy.value = false;
    problem.value = outcome.ok ? null : outcome.problem.text;
    if (!outcome.ok) return;
    const { answers } = outcome.value;
    found.value = cursor === null ? answers : [...found.peek(), ...answers];
    next.value = outcome.value.next;
  };
  useEffect(() => {
    const abort = new AbortController();
    void search(null, abort.signal);
    return () => abort.abort();
  }, [path, asked]);
  const more = () => {
    if (next.peek() !== null && !isBusy.peek()) void search(next.peek(), undefined);
  };
  const count = `${formatCount(found.value.length)} answers${next.value === null ? "" : " so far"}`;
  const state = problem.value ?? (isBusy.value ? "Searching …" : count);
  return { rows: found.value, next: next.value, more, state };
}

function Filters() {
  const [query, change] = useQuery();
  const bound = (name: (typeof FILTERS)[number], label: string) => (
    <input
      class="input short"
      type="number"
      step="any"
      aria-label={label}
      value={query[name] ?? ""}
      onChange={(event) => change({ [name]: event.currentTarget.value })}
    />
  );
  return (
    <div class="toolbar">
      <input
        class="input wide"
        type="search"
        placeholder={'Words, or a "phrase"'}
        aria-label="Words in the answer"
        value={query["words"] ?? ""}
        onChange={(event) => change({ words: event.currentTarget.value })}
      />
      <label class="field">
        Answers
        <select
          class="input"
          value={query["kind"] ?? ""}
          onChange={(event) => change({ kind: event.currentTarget.value })}
        >
          <option value="">all</option>
          <option value="train">for training</option>
          <option value="validation">of validations</option>
          <option value="report">of the report</option>
        </select>
      </label>
      <label class="field">
        Ended
        <select
          class="input"
          value={query["finish"] ?? ""}
          onChange={(event) => change({ finish: event.currentTarget.value })}
        >
          <option value="">anyhow</option>
          <option value="stop">by itself</option>
          <option value="length">at the length limit</option>
          <option value="stop-string">by a stop string</option>
          <option value="early-stop">as degenerate</option>
        </select>
      </label>
      <span class="field">
        Iterations {bound("from", "From iteration")} to {bound("to", "To iteration")}
      </span>
      <span class="field">
        Reward {bound("minReward", "From reward")} to {bound("maxReward", "To reward")}
      </span>
      <span class="field">
        Tokens {bound("minTokens", "From tokens")} to {bound("maxTokens", "To tokens")}
      </span>
    </div>
  );
}

const COLUMNS: readonly TableColumn<FoundAnswer>[] = [
  {
    key: "iteration",
    title: "Iteration",
    width: "84px",
    isNumber: true,
    order: ({ iteration }) => iteration,
    cell: ({ iteration }) => iteration,
  },
  {
    key: "task",
    title: "Task",
    width: "minmax(120px, 0.6fr)",
    order: ({ task }) => task,
    cell: ({ task, kind }) => (
      <>
        <b>{task}</b> {kind !== "train" && <span class="tag">held out</span>}
      </>
    ),
  },
  {
    key: "reward",
    title: "Reward",
    width: "80px",
    isNumber: true,
    order: ({ reward }) => reward,
    cell: ({ reward }) => formatFixed(reward),
  },
  {
    key: "tokens",
    title: "Tokens",
    width: "80px",
    isNumber: true,
    order: ({ numTokens }) => numTokens,
    cell: ({ numTokens }) => formatCount(numTokens),
  },
  {
    key: "finish",
    title: "Ended",
    width: "92px",
    order: ({ finish }) => finish,
    cell: ({ finish }) => finish,
  },
  {
    key: "excerpt",
    title: "Answer",
    width: "minmax(240px, 2fr)",
    cell: ({ excerpt }) => <span class="mono">{visibleText(excerpt).replaceAll("\n", " ")}</span>,
  },
];
