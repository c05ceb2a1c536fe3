/** Any number of runs over each other, what differs between their configs, and their answers. */
import { Comparison, RunList, type RunSummary } from "@gumshoe/api";

import { useMessage, useNews } from "../api/live.js";
import { runHref } from "../api/paths.js";
import { useData } from "../api/use-data.js";
import { Swatch } from "../chart/chart.js";
import { formatFixed, formatSeconds } from "../figures/format.js";
import { RunState } from "../figures/run-state.js";
import { textOf } from "../run/config-fields.js";
import { WhenLoaded } from "../shell/states.js";
import { Section, useQuery, useTitle } from "../shell/view.js";
import { ComparedAnswers } from "./compared-answers.js";
import { ComparedCurves } from "./compared-curves.js";

/** Draws the comparison of the runs that the address names. */
export function CompareView() {
  useTitle("Compare");
  useNews(null);
  const [query, change] = useQuery();
  const names = (query["runs"] ?? "").split(",").filter((name) => name !== "");
  const choose = (next: readonly string[]) => change({ runs: next.join(",") });
  const path = `/api/compare?runs=${names.map(encodeURIComponent).join(",")}`;
  const data = useData(names.length === 0 ? null : path, Comparison);
  useMessage(
    "runs",
    ({ runs }) => {
      const news = new Map(runs.map((run) => [run.name, run]));
      data.change((found) => ({
        ...found,
        runs: found.runs.map((run) => news.get(run.name) ?? run),
      }));
    },
    [path],
  );
  return (
    <>
      <div class="title">
        <h1>Compare</h1>
        <div class="end">
          <AddRun names={names} onAdd={(name) => choose([...names, name])} />
        </div>
      </div>
      {names.length === 0 && <p class="card empty">Choose the runs to compare</p>}
      {names.length > 0 && (
        <WhenLoaded data={data}>
          {(found) => (
            <>
              <RunTable
                runs={found.runs}
                onRemove={(name) => choose(names.filter((other) => other !== name))}
              />
              <ComparedCurves runs={found.runs} />
              <ConfigTable comparison={found} />
              {found.runs.length > 1 && <ComparedAnswers comparison={found} />}
            </>
          )}
        </WhenLoaded>
      )}
    </>
  );
}

function AddRun(props: {
  readonly names: readonly string[];
  readonly onAdd: (name: string) => void;
}) {
  const { value } = useData("/api/runs", RunList);
  const others = (value?.runs ?? []).filter(({ name }) => !props.names.includes(name));
  return (
    <label class="field">
      Add a run
      <select
        class="input"
        value=""
        onChange={(event) => {
          if (event.currentTarget.value !== "") props.onAdd(event.currentTarget.value);
          event.currentTarget.value = "";
        }}
      >
        <option value="">choose …</option>
        {others.map(({ name, status }) => (
          <option key={name} value={name}>
            {name} ({status})
          </option>
        ))}
      </select>
    </label>
  );
}

function RunTable(props: {
  readonly runs: readonly RunSummary[];
  readonly onRemove: (name: string) => void;
}) {
  return (
    <section class="card scroll-x" tabIndex={0} aria-label="Compared runs">
      <table class="table">
        <thead>
          <tr>
            <th>Run</th>
            <th>State</th>
            <th class="number">Iterations</th>
            <th class="number">Reward</th>
            <th class="number">Validation</th>
            <th class="number">Best</th>
            <th class="number">Worked</th>
            <th>Weights</th>
            <th>
              <span class="hidden-label">Remove</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {props.runs.map((run, index) => (
            <tr key={run.name}>
              <td>
                <Swatch color={index} />{" "}
                <a href={runHref(run.name)}>
                  <b>{run.name}</b>
                </a>
              </td>
              <td>
                <RunState state={run.status} />
              </td>
              <td class="number">{run.iterationsDone}</td>
              <td class="number">{formatFixed(run.reward)}</td>
              <td class="number">{formatFixed(run.validation?.reward)}</td>
              <td class="number">{formatFixed(run.bestValidation?.reward)}</td>
              <td class="number">{formatSeconds(run.workedSeconds)}</td>
              <td class="mono">{run.weights?.digest.slice(0, 12)}</td>
              <td class="number">
                <button
                  class="button quiet"
                  type="button"
                  aria-label={`Remove ${run.name}`}
                  onClick={() => props.onRemove(run.name)}
                >
                  ✕
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function ConfigTable({ comparison: { runs, differences } }: { readonly comparison: Comparison }) {
  return (
    <>
      <Section title="What differs between the configs" />
      <section class="card scroll-x" tabIndex={0} aria-label="Differences of the configs">
        {differences.length === 0 && <p class="empty">Nothing: the configs are equal</p>}
        {differences.length > 0 && (
          <table class="table">
            <thead>
              <tr>
                <th>Field</th>
                {runs.map(({ name }, index) => (
                  <th key={name}>
                    <Swatch color={index} /> {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody class="mono">
              {differences.map(({ field, values }) => (
                <tr key={field}>
                  <td>{field}</td>
                  {values.map((value, i) => (
                    <td key={i}>
                      {value === null ? <span class="muted">not there</span> : textOf(value)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
    </>
  );
}
