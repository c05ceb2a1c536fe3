/** The priority of a run that has not ended, to change. */
import { RunDetail } from "@gumshoe/api";
import { useSignal } from "@preact/signals";

import { runApi } from "../api/paths.js";
import { post } from "../api/request.js";

/** Draws the field; a number that is entered is sent at once. */
export function RunPriority({ run }: { readonly run: RunDetail }) {
  const problem = useSignal<string | null>(null);
  const change = async (field: HTMLInputElement) => {
    const path = runApi(run.name, "/priority");
    const outcome = await post(path, RunDetail, { priority: field.valueAsNumber });
    problem.value = outcome.ok ? null : outcome.problem.text;
    if (!outcome.ok) field.value = String(run.priority);
  };
  return (
    <>
      {problem.value !== null && (
        <span class="notice bad" role="alert">
          {problem.value}
        </span>
      )}
      <label class="field" title="Runs of a higher priority run first">
        Priority
        <input
          class="input short"
          type="number"
          min={-100}
          max={100}
          step={1}
          value={run.priority}
          onChange={({ currentTarget }) => void change(currentTarget)}
        />
      </label>
    </>
  );
}
