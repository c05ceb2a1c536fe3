import type { Cost } from "@gumshoe/api";
import type { Clock } from "@gumshoe/core";
import { parseRunConfig, resolvePaths } from "@gumshoe/config";
import {
  type MachineTime,
  type Run,
  RunState,
  type RunService,
  type WatchedEvent,
} from "@gumshoe/protocol";
import type { RpcHandlers } from "@gumshoe/rpc";

import type { Fleet } from "../fleet/fleet.js";
import { RunFilesGoneError, type UnreadableRunError } from "../errors.js";
import type { GatherOptions } from "../ledger/event-hub.js";
import type { EventLoopMonitor } from "../event-loop-monitor.js";
import { downloadCheckpoint } from "../checkpoint/checkpoint-download.js";
import { rolloutPage } from "../sample/rollout-page.js";
import { checkFilesThere } from "../run/run-folder.js";
import type { RunManager } from "../run/run-manager.js";
import { costOf, forecastOf, type Prices } from "../view/forecast.js";
import type { RunRecord } from "../run/run-record.js";
import { newestWeights } from "../run/run-state.js";
import { storedCheckpoints } from "../checkpoint/stored-checkpoints.js";
import { EventPacker } from "./event-packer.js";

/** Longest gather time of a watcher, in ms; longer requests are reduced to it. */
const MAX_GATHER_MS = 5000;

const STATES = {
  queued: RunState.QUEUED,
  running: RunState.RUNNING,
  done: RunState.DONE,
  failed: RunState.FAILED,
  stuck: RunState.STUCK,
  cancelled: RunState.CANCELLED,
} as const;

/** The handlers of RunService, which serves users. */
export function runHandlers(
  runs: RunManager,
  {
    fleet,
    eventLoop,
    clock,
    prices,
  }: {
    fleet: Fleet;
    eventLoop: EventLoopMonitor;
    clock: Clock;
    prices: Prices | null;
  },
): RpcHandlers<typeof RunService> {
  const packer = new EventPacker();
  const show = (record: RunRecord) => {
    const { name } = record.config;
    return { ...toRun(record, runs.waitingFor(name), prices), ahead: runs.ahead(name) };
  };
  const shown = (record: RunRecord) => withFilesGone(show(record), record);
  return {
    submitRun: async ({ config, folder, ...options }) => {
      const resolved = resolvePaths(parseRunConfig(config), folder ?? null);
      return show(await runs.submit(resolved, options));
    },
    getRun: async ({ name }) => {
      const unreadable = runs.unreadable.get(name);
      return unreadable === undefined ? shown(runs.get(name)) : unreadableRun(unreadable);
    },
    listRuns: async () => ({
      runs: [
        ...(await Promise.all(runs.list().map(shown))),
        ...[...runs.unreadable.values()].map(unreadableRun),
      ],
    }),
    cancelRun: async ({ name }) => show(await runs.cancel(name)),
    prioritizeRun: async ({ name, priority }) => show(await runs.prioritize(name, priority)),
    forgetRun: async ({ name }) => ({ freedBytes: await runs.forget(name) }),
    watchRun: ({ name, fromEvent, gatherMs }, { signal }) => {
      const options = { signal, clock, gatherMs: Math.min(gatherMs, MAX_GATHER_MS) };
      return packed(watched(runs.get(name), fromEvent, options), packer);
    },
    listRollouts: async (request) => rolloutPage(runs.get(request.run), request),
    listCheckpoints: async ({ run }) => ({ checkpoints: await storedCheckpoints(runs.get(run)) }),
    downloadCheckpoint: (request) => downloadCheckpoint(runs.get(request.run), request),
    getFleet: async () => ({ workers: fleet.statuses(), coordinator: eventLoop.status() }),
  };
}

/** Streams a run's events; fails at the start when the run has ended and its files were deleted. */
async function* watched(record: RunRecord, fromEvent: number, options: GatherOptions) {
  if (record.hasEnded) await checkFilesThere(record);
  yield* record.events.watch(fromEvent, options);
}

async function* packed(gathered: AsyncIterable<readonly WatchedEvent[]>, packer: EventPacker) {
  for await (const events of gathered) {
    const message = packer.pack(events);
    if (message !== null) yield message;
  }
}

/** Shows an ended run whose folder no longer exists as failed. */
async function withFilesGone(run: Run, record: RunRecord): Promise<Run> {
  if (!record.hasEnded) return run;
  try {
    await checkFilesThere(record);
    return run;
  } catch (error) {
    if (!(error instanceof RunFilesGoneError)) throw error;
    return { ...run, state: RunState.FAILED, error: error.message, resultJson: "" };
  }
}

function toRun(record: RunRecord, waitingFor: string | null, prices: Prices | null): Run {
  const { config, state } = record;
  const forecast = forecastOf(config, state, record.nowMs);
  const cost = costOf(state, forecast, prices);
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
    waitingFor: waitingFor ?? "",
    secondsLeft: forecast?.secondsLeft,
    forkedFrom: state.forkedFrom ?? undefined,
    priority: state.priority,
    ahead: [],
    used: machineTime(cost?.soFar, prices),
    expected: machineTime(cost?.expected, prices),
  };
}

function machineTime(
  usage: Cost["expected"] | undefined,
  prices: Prices | null,
): MachineTime | undefined {
  if (usage === null || usage === undefined) return undefined;
  const { coreHours, gpuHours, money } = usage;
  return { coreHours, gpuHours, money: money ?? undefined, currency: prices?.currency ?? "" };
}

/** Shows a run whose folder cannot be opened as failed. */
function unreadableRun({ run, message }: UnreadableRunError): Run {
  return {
    name: run,
    state: RunState.FAILED,
    configJson: "",
    iterationsDone: 0,
    iterationsTotal: 0,
    weights: undefined,
    error: `unreadable: ${message}`,
    resultJson: "",
    submittedAtMs: 0,
    warnings: [],
    waitingFor: "",
    secondsLeft: undefined,
    forkedFrom: undefined,
    priority: 0,
    ahead: [],
    used: undefined,
    expected: undefined,
  };
}
