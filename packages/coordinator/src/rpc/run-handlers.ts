import {
  parseRunConfig,
  type Run,
  type RpcHandlers,
  RunState,
  type RunService,
  toRunEvent,
} from "@gumshoe/protocol";

import { type Fleet } from "../fleet/fleet.js";
import { type LoopWatch } from "../loop-watch.js";
import { downloadCheckpoint } from "../run/checkpoint-download.js";
import { rolloutPage } from "../run/rollout-page.js";
import { type RunManager } from "../run/run-manager.js";
import { type RunRecord } from "../run/run-record.js";
import { newestWeights } from "../run/run-state.js";
import { storedCheckpoints } from "../run/stored-checkpoints.js";

const STATES = {
  queued: RunState.QUEUED,
  running: RunState.RUNNING,
  done: RunState.DONE,
  failed: RunState.FAILED,
  cancelled: RunState.CANCELLED,
} as const;

/** The handlers of RunService: the door for users. */
export function runHandlers(
  runs: RunManager,
  { fleet, loop }: { fleet: Fleet; loop: LoopWatch },
): RpcHandlers<typeof RunService> {
  return {
    submitRun: async ({ config }) => toRun(await runs.submit(parseRunConfig(config))),
    getRun: async ({ name }) => toRun(runs.get(name)),
    listRuns: async () => ({ runs: runs.list().map(toRun) }),
    cancelRun: async ({ name }) => toRun(await runs.cancel(name)),
    watchRun: ({ name, fromEvent }, { signal }) => watch(runs.get(name), fromEvent, signal),
    listRollouts: async (request) => rolloutPage(runs.get(request.run), request),
    listCheckpoints: async ({ run }) => ({ checkpoints: await storedCheckpoints(runs.get(run)) }),
    downloadCheckpoint: (request) => downloadCheckpoint(runs.get(request.run), request),
    getFleet: async () => ({ workers: fleet.statuses(), coordinator: loop.status() }),
  };
}

async function* watch(record: RunRecord, fromEvent: number, signal: AbortSignal) {
  for await (const event of record.events.watch(fromEvent, signal)) yield toRunEvent(event);
}

function toRun(record: RunRecord): Run {
  const { config, state } = record;
  return {
    name: config.name,
    state: STATES[state.status],
    configJson: JSON.stringify(config),
    iterationsDone: state.iterationsDone,
    iterationsTotal: config.iterations,
    weights: newestWeights(state) ?? undefined,
    error: state.error,
    resultJson: state.result === null ? "" : JSON.stringify(state.result),
    submittedAtMs: state.submittedAtMs,
  };
}
