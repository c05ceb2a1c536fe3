import type { GumshoeClient } from "@gumshoe/client";
import { type Clock, errorMessage } from "@gumshoe/core";
import type { RunResult } from "@gumshoe/config";

import { RunNotDoneError } from "../errors.js";
import { followStatus } from "./follow-status.js";
import type { RunView } from "./run-view.js";

/** What {@link RunNotDoneError} has for a code where a run is stuck. */
export const STUCK = "STUCK";

/**
 * Shows a run and the workers' status until the run has ended.
 *
 * @returns  the run's result
 * @throws   RunNotDoneError when it failed or was cancelled; the signal's reason when it was
 *   aborted
 */
export async function followRun(
  client: GumshoeClient,
  name: string,
  options: { view: RunView; clock: Clock; signal: AbortSignal },
): Promise<RunResult> {
  const { view, clock, signal } = options;
  let problem = "ended without a word";
  let endCode: string | null = null;
  let result: RunResult | null = null;
  let isAway = false;
  const onReconnect = (error: unknown) => {
    if (!isAway) view.print(`the coordinator is away (${errorMessage(error)}); trying again`);
    isAway = true;
  };
  const ended = new AbortController();
  const statusSignal = AbortSignal.any([signal, ended.signal]);
  // Not awaited at the end: a call to an unreachable coordinator may hang.
  void followStatus(client, name, { view, clock, signal: statusSignal });
  try {
    for await (const event of client.watch(name, { signal, onReconnect })) {
      isAway = false;
      view.show(event);
      const { body } = event;
      if (body.type === "run-done") result = body.result;
      else if (body.type === "run-failed") {
        [result, problem, endCode] = [null, `failed: ${body.error}`, body.code ?? null];
      } else if (body.type === "run-stuck") {
        [result, problem, endCode] = [null, `is ${body.error}`, STUCK];
      } else if (body.type === "run-cancelled") [result, problem] = [null, "was cancelled"];
    }
  } finally {
    ended.abort();
    view.close();
  }
  if (result === null) throw new RunNotDoneError(name, problem, endCode);
  return result;
}
