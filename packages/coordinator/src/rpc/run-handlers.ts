import { type Clock } from "@gumshoe/core";
import {
  parseRunConfig,
  resolvePaths,
  type Run,
  type RpcHandlers,
  RunState,
  type RunService,
  type WatchedEvent,
} from "@gumshoe/protocol";

import { type Fleet } from "../fleet/fleet.js";
import { type LoopWatch } from "../loop-watch.js";
import { downloadCheckpoint } from "../run/checkpoint-download.js";
import { rolloutPage } from "../run/rollout-page.js";
import { type RunManager } from "../run/run-manager.js";
import { type RunRecord } from "../run/run-record.js";
import { newestWeights } from "../run/run-state.js";
import { storedCheckpoints } from "../run/stored-checkpoints.js";
import { EventPacker } from "./event-packer.js";

/** A watcher that wants to wait longer than this for its events is served at this pace. */
const MAX_GATHER_MS = 5000;

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
  { fleet, loop, clock }: { fleet: Fleet; loop: LoopWatch; clock: Clock },
): RpcHandlers<typeof RunService> {
  const packer = new EventPacker();
  return {
    submitRun: async ({ config, folder }) =>
      toRun(await runs.submit(resolvePaths(parseRunConfig(config), folder ?? null))),
    getRun: async ({ name }) => toRun(runs.get(name)),
    listRuns: async () => ({ runs: runs.list().map(toRun) }),
    cancelRun: async ({ name }) => toRun(await runs.cancel(name)),
    watchRun: ({ name, fromEvent, gatherMs }, { signal }) => {
      const options = { signal, clock, gatherMs: Math.min(gatherMs, MAX_GATHER_MS) };
      return packed(runs.get(name).events.watch(fromEvent, options), packer);
    },
    listRollouts: async (request) => rolloutPage(runs.get(request.run), request),
    listCheckpoints: async ({ run }) => ({ checkpoints: await storedCheckpoints(runs.get(run)) }),
    downloadCheckpoint: (request) => downloadCheckpoint(runs.get(request.run), request),
    getFleet: async () => ({ workers: fleet.statuses(), coordinator: loop.status() }),
  };
}

async function* packed(gathered: AsyncIterable<readonly WatchedEvent[]>, packer: EventPacker) {
  for await (const events of gathered) {
    const message = packer.pack(events);
    if (message !== null) yield message;
  }
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
    warnings: state.health.given.map(({ message }) => message),
  };
}
