import type { Alarm, Progress, RunDetail, RunInput, RunSummary, Validation } from "@gumshoe/api";
import type { ValidationResult } from "@gumshoe/config";
import type { WatchedEvent } from "@gumshoe/protocol";

import type { UnreadableRunError } from "../errors.js";
import type { RunManager } from "../run/run-manager.js";
import type { RunRecord } from "../run/run-record.js";
import { newestWeights } from "../run/run-state.js";
import { bestCheckpoint } from "../checkpoint/checkpoints.js";
import { costOf, forecastOf, type Prices } from "./forecast.js";
import { RunHistory } from "./run-history.js";

/** What descriptions of runs are made from. */
export interface RunViewSources {
  readonly runs: RunManager;
  readonly prices: Prices | null;
  /** Active alarms of a run. */
  readonly alarms: (run: string) => readonly Alarm[];
}

/** Describes runs, and keeps the history of each that was asked for. */
export class RunViews {
  readonly #sources: RunViewSources;
  readonly #histories = new WeakMap<RunRecord, RunHistory>();
  readonly #progress = new WeakMap<RunRecord, Progress>();

  constructor(sources: RunViewSources) {
    this.#sources = sources;
  }

  /** Returns the history of a run, up to date. */
  async history(record: RunRecord): Promise<RunHistory> {
    const history = this.#historyOf(record);
    await history.catchUp();
    return history;
  }

  /** Lists all runs, the newest first, then those that cannot be read. */
  list(): RunSummary[] {
    const { runs } = this.#sources;
    const readable = runs.list().map((record) => this.summary(record));
    return [...readable, ...[...runs.unreadable.values()].map(unreadableRun)];
  }

  summary(record: RunRecord): RunSummary {
    const { config, state } = record;
    const { runs, alarms } = this.#sources;
    const scored = state.validations.filter(({ count }) => count > 0);
    const best = scored.reduce<(typeof scored)[number] | null>(
      (high, one) => (high === null || one.reward > high.reward ? one : high),
      null,
    );
    const forecast = forecastOf(config, state, record.nowMs);
    return {
      name: config.name,
      type: config.type,
      status: state.status,
      error: state.error,
      waitingFor: runs.waitingFor(config.name) ?? "",
      priority: state.priority,
      ahead: runs.ahead(config.name),
      submittedAtMs: state.submittedAtMs,
      iterationsDone: state.iterationsDone,
      iterationsTotal: config.iterations,
      weights: newestWeights(state),
      reward: state.iterationMetrics.at(-1)?.["meanReward"] ?? null,
      validation: shown(state.validations.at(-1)),
      bestValidation: shown(best),
      report: shown(state.report),
      workedSeconds: workedMs(record) / 1000,
      secondsLeft: forecast?.secondsLeft ?? null,
      model: config.model,
      alarms: alarms(config.name).length,
    };
  }

  /** Describes a run in full. @throws UnknownRunError */
  async detail(name: string): Promise<RunDetail> {
    const { runs } = this.#sources;
    const unreadable = runs.unreadable.get(name);
    if (unreadable !== undefined) return unreadableDetail(unreadable);
    const record = runs.get(name);
    const history = await this.history(record);
    return {
      ...this.live(record),
      config: record.config,
      inputs: inputsOf(record),
      validations: history.validations,
    };
  }

  /** Describes a run without its config, inputs and validations, which do not change or come one by one. */
  live(record: RunRecord): RunDetail {
    const { config, state } = record;
    const { prices, alarms } = this.#sources;
    const history = this.#historyOf(record);
    const forecast = forecastOf(config, state, record.nowMs);
    const isOver = record.hasEnded;
    return {
      ...this.summary(record),
      config: null,
      weightsDigest: state.result?.weightsDigest ?? null,
      checkpointFolder: state.result?.checkpoint ?? bestCheckpoint(record)?.folder ?? null,
      inputs: [],
      attempts: history.attempts,
      command: `gumshoe run ${record.folder}/config.json --name ${config.name}-again`,
      updates: Math.max(0, state.digests.length - 1),
      logprobGapMax: state.logprobGapMax,
      validations: [],
      progress: isOver ? null : (this.#progress.get(record) ?? null),
      forecast,
      cost: costOf(state, forecast, prices),
      warnings: state.health.given.map(({ message }) => message),
      activeAlarms: [...alarms(config.name)],
      kinds: history.kinds,
      canCancel: !isOver,
      canResume: ["cancelled", "failed", "stuck"].includes(state.status),
      lastEvent: record.events.lastNumber,
    };
  }

  /** Keeps the newest progress of a run, and describes it. */
  noteProgress(record: RunRecord, event: WatchedEvent): Progress | null {
    const progress = progressOf(event);
    if (progress !== null) this.#progress.set(record, progress);
    return progress;
  }

  #historyOf(record: RunRecord): RunHistory {
    let history = this.#histories.get(record);
    if (history === undefined) {
      this.#histories.set(record, (history = new RunHistory(record.events)));
      record.events.subscribe((event) => this.noteProgress(record, event));
    }
    return history;
  }
}

function shown(result: ValidationResult | null | undefined): Validation | null {
  if (result === null || result === undefined) return null;
  const { reward, low, high, count, iteration, greedy = null, unscored = 0, randomGuess } = result;
  return { reward, low, high, count, iteration, greedy, unscored, randomGuess, atMs: null };
}

/** Time that a run has worked, that since its newest event included. */
function workedMs({ state, nowMs }: RunRecord): number {
  const isWorking = state.status === "running";
  return state.workedMs + (isWorking ? Math.max(0, nowMs - state.lastAtMs) : 0);
}

function progressOf({ body }: WatchedEvent): Progress | null {
  if (body.type !== "progress") return null;
  const { phase, iteration, done, total, tokensPerSecond = null, note = null } = body;
  return { phase, iteration, done, total, tokensPerSecond, note };
}

function inputsOf({ state }: RunRecord): RunInput[] {
  if (state.inputs === null) return [];
  const files = state.inputs.model.map(({ file, bytes, sha256 }) => ({
    name: file,
    file,
    bytes,
    sha256,
  }));
  const sources = state.inputs.sources.map(({ field, file, sha256 }) => ({
    name: field,
    file,
    bytes: null,
    sha256,
  }));
  return [...files, ...sources];
}

function unreadableRun({ run, message }: UnreadableRunError): RunSummary {
  return {
    name: run,
    type: null,
    status: "failed",
    error: `unreadable: ${message}`,
    waitingFor: "",
    priority: 0,
    ahead: [],
    submittedAtMs: 0,
    iterationsDone: 0,
    iterationsTotal: 0,
    weights: null,
    reward: null,
    validation: null,
    bestValidation: null,
    report: null,
    workedSeconds: 0,
    secondsLeft: null,
    model: "",
    alarms: 0,
  };
}

function unreadableDetail(error: UnreadableRunError): RunDetail {
  return {
    ...unreadableRun(error),
    config: null,
    weightsDigest: null,
    checkpointFolder: null,
    inputs: [],
    attempts: [],
    command: "",
    updates: 0,
    logprobGapMax: 0,
    validations: [],
    progress: null,
    forecast: null,
    cost: null,
    warnings: [],
    activeAlarms: [],
    kinds: [],
    canCancel: false,
    canResume: false,
    lastEvent: 0,
  };
}
