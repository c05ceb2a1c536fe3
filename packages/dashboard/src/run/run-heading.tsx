/** The name and state of a run, what can be done with it, and its alarms. */
import { RunDetail } from "@gumshoe/api";
import { useSignal } from "@preact/signals";

import { runApi } from "../api/paths.js";
import { post } from "../api/request.js";
import { formatAgo } from "../figures/format.js";
import { RunState } from "../figures/run-state.js";
import { RunPriority } from "./run-priority.js";

/** Draws the heading. */
export function RunHeading({ run }: { readonly run: RunDetail }) {
  return (
    <>
      <div class="title">
        <h1>{run.name}</h1>
        <RunState state={run.status} />
        <span class="muted">{run.model}</span>
        <div class="end">
          <a class="button" href={`/compare?runs=${encodeURIComponent(run.name)}`}>
            Compare
          </a>
          {run.canCancel && <RunPriority run={run} />}
          <Actions run={run} />
        </div>
      </div>
      {run.error !== "" && (
        <p class="notice bad" role="alert">
          {run.error}
        </p>
      )}
      {run.waitingFor !== "" && <p class="notice warn">{run.waitingFor}</p>}
      {run.ahead.length > 0 && (
        <p class="notice">
          Queued behind {run.ahead.join(", ")}: runs share the workers by priority.
        </p>
      )}
      {run.activeAlarms.map(({ kind, message, iteration, sinceMs }) => (
        <p key={kind} class="notice warn" role="alert">
          <b>{kind}</b>
          <span>{message}</span>
          <span class="end">
            since iteration {iteration}, {formatAgo(sinceMs, Date.now())}
          </span>
        </p>
      ))}
    </>
  );
}

function Actions({ run }: { readonly run: RunDetail }) {
  const isAsking = useSignal(false);
  const isBusy = useSignal(false);
  const problem = useSignal<string | null>(null);
  const act = async (action: "cancel" | "resume") => {
    isBusy.value = true;
    const outcome = await post(runApi(run.name, `/${action}`), RunDetail);
    isBusy.value = false;
    isAsking.value = false;
    problem.value = outcome.ok ? null : outcome.problem.text;
  };
  return (
    <>
      {problem.value !== null && (
        <span class="notice bad" role="alert">
          {problem.value}
        </span>
      )}
      {run.canResume && (
        <button
          class="button"
          type="button"
          disabled={isBusy.value}
          onClick={() => void act("resume")}
        >
          Resume run
        </button>
      )}
      {run.canCancel && !isAsking.value && (
        <button class="button danger" type="button" onClick={() => (isAsking.value = true)}>
          Cancel run
        </button>
      )}
      {run.canCancel && isAsking.value && (
        <span class="toolbar" role="group" aria-label="Cancel this run?">
          <button
            class="button danger"
            type="button"
            disabled={isBusy.value}
            ref={focus}
            onClick={() => void act("cancel")}
          >
            Yes, cancel it
          </button>
          <button class="button" type="button" onClick={() => (isAsking.value = false)}>
            Keep it running
          </button>
        </span>
      )}
    </>
  );
}

function focus(button: HTMLButtonElement | null): void {
  button?.focus();
}
