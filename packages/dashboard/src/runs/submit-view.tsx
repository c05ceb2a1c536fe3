/** Submits a run: its config from a file, as text, or that of another run to change. */
import { RunDetail } from "@gumshoe/api";
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";

import { runApi, runHref } from "../api/paths.js";
import { get, post } from "../api/request.js";
import { useTitle } from "../shell/view.js";

/** Draws the form. The query `like` names the run whose config it begins with. */
export function SubmitView() {
  useTitle("New run");
  const { route, query } = useLocation();
  const config = useSignal("");
  const problem = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  const like = query["like"];
  useEffect(() => {
    if (like !== undefined) void begin(like);
  }, [like]);
  const begin = async (run: string) => {
    const outcome = await get(runApi(run), RunDetail);
    if (outcome.ok) config.value = textOf(outcome.value);
    else problem.value = outcome.problem.text;
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    isBusy.value = true;
    const outcome = await post("/api/runs", RunDetail, { config: config.value });
    isBusy.value = false;
    if (outcome.ok) route(runHref(outcome.value.name));
    else problem.value = outcome.problem.text;
  };
  return (
    <>
      <div class="title">
        <h1>New run</h1>
      </div>
      <form class="card stack body" onSubmit={(event) => void submit(event)}>
        <label>
          A file{" "}
          <input
            type="file"
            accept=".yaml,.yml,.json"
            onChange={({ currentTarget: { files } }) =>
              void files?.[0]?.text().then((text) => (config.value = text))
            }
          />
        </label>
        <label>
          Config, as YAML or JSON. Paths are those of the coordinator, and absolute.
          <textarea
            class="input tall mono"
            spellcheck={false}
            required
            value={config}
            onInput={(event) => (config.value = event.currentTarget.value)}
          />
        </label>
        {problem.value !== null && (
          <p class="notice bad" role="alert">
            {problem.value}
          </p>
        )}
        <div>
          <button class="button first" type="submit" disabled={isBusy.value}>
            Submit the run
          </button>
        </div>
      </form>
    </>
  );
}

/** Writes the config of a run under another name. */
function textOf({ name, config }: RunDetail): string {
  return JSON.stringify({ ...config, name: `${name}-2` }, null, 2);
}
