/** The state of a run, computed by replaying the events of its ledger and from nothing else. */
import { hashJson } from "@gumshoe/core";
import type { ReportResult, RunResult, ValidationResult } from "@gumshoe/config";
import type { RunEventBody, RunEventOf, RunInputs, WatchedEvent } from "@gumshoe/protocol";
import type { TierName } from "@gumshoe/puzzles";

import { addToDeaths, type Deaths } from "./deaths.js";
import { type AllSums, newAllSums, sumEvent } from "./iteration-sums.js";
import { newRunHealth, type RunHealth } from "./run-health.js";

/** A weight version. */
export interface Weights {
  readonly version: number;
  readonly digest: string;
}

/** Weights on disk. */
export interface Durable {
  readonly iteration: number;
  readonly version: number;
  readonly folder: string;
  readonly digest: string;
}

/** Tasks that were drawn together. */
export interface DrawnTasks {
  readonly count: number;
  readonly digest: string;
}

/** The state of a run after the newest event of its ledger. */
export interface RunState {
  status: "queued" | "running" | "done" | "failed" | "stuck" | "cancelled";
  error: string;
  submittedAtMs: number;
  /** Runs of a higher priority run first. */
  priority: number;
  /** When it was last preempted, in ms since the epoch; 0 before. */
  pausedAtMs: number;
  /** Milliseconds of work so far: the times between starts and stops, added up. */
  workedMs: number;
  lastAtMs: number;
  /** Whether the run was just resumed: the work until the next event belongs to no iteration. */
  justResumed: boolean;
  /** Files and task sources of the run; null in a ledger of an earlier version. */
  inputs: RunInputs | null;
  /** The run that this one was forked from, and the iterations that they share; null for none. */
  forkedFrom: { readonly run: string; readonly iterations: number } | null;
  iterationsDone: number;
  /**
   * First iteration that rules about consecutive iterations count: submitting a failed run again
   * resets it, so that the run can continue.
   */
  countedFrom: number;
  /** Iterations that are planned and not done. */
  readonly open: Set<number>;
  /** The weights that every planned iteration samples from, by iteration. */
  readonly sampledFrom: Map<number, Weights>;
  /** Digest of the tasks of every planned iteration, by iteration. */
  readonly taskDigests: Map<number, string>;
  /** Rounds of groups that were sampled in place of others, by iteration. */
  readonly replacements: Map<number, DrawnTasks[]>;
  /** Keys of groups that have no gradient, because all rewards that are trained on are equal. */
  readonly equalGroups: Set<string>;
  /** Blobs of all submitted groups, by group key. */
  readonly groups: Map<string, string>;
  /** Mean rewards of the submitted groups; null for one without a scored answer. */
  readonly groupMeans: Map<string, number | null>;
  /** The newest reason why an answer could not be scored; null for none. */
  unscoredReason: string | null;
  /** Tier of every iteration for which the curriculum has decided one. */
  readonly tiers: Map<number, TierName>;
  /** Digest of every weight version, from 0. */
  readonly digests: string[];
  /** Iteration of every update, from update 0. */
  readonly updateIterations: number[];
  /** Iterations whose groups are all sampled. */
  readonly sampledIterations: Set<number>;
  /** Iterations for which an example answer was shown. */
  readonly shownIterations: Set<number>;
  /** Metrics of every completed iteration, from 0. */
  readonly iterationMetrics: Readonly<Record<string, number>>[];
  /** When every completed iteration was recorded, in ms since the epoch, from 0. */
  readonly iterationEndsMs: number[];
  /** Sums of the iterations that are not done. */
  readonly sums: AllSums;
  logprobGapMax: number;
  readonly validations: ValidationResult[];
  /** Null before it is made, and in a run without one. */
  report: ReportResult | null;
  /** On disk, the oldest first. */
  readonly checkpoints: Durable[];
  result: RunResult | null;
  readonly health: RunHealth;
  /** Deaths of processes since the run's last progress. */
  readonly deaths: Deaths;
}

/** Returns the state of a run before its first event. */
export function newRunState(): RunState {
  return {
    status: "queued",
    error: "",
    submittedAtMs: 0,
    priority: 0,
    pausedAtMs: 0,
    workedMs: 0,
    lastAtMs: 0,
    justResumed: false,
    inputs: null,
    forkedFrom: null,
    iterationsDone: 0,
    countedFrom: 0,
    open: new Set(),
    sampledFrom: new Map(),
    taskDigests: new Map(),
    replacements: new Map(),
    equalGroups: new Set(),
    groups: new Map(),
    groupMeans: new Map(),
    unscoredReason: null,
    tiers: new Map(),
    digests: [],
    updateIterations: [],
    sampledIterations: new Set(),
    shownIterations: new Set(),
    iterationMetrics: [],
    iterationEndsMs: [],
    sums: newAllSums(),
    logprobGapMax: 0,
    validations: [],
    report: null,
    checkpoints: [],
    result: null,
    health: newRunHealth(),
    deaths: new Map(),
  };
}

/** Returns the newest weight version; null before the run has started. */
export function newestWeights(state: RunState): Weights | null {
  const digest = state.digests.at(-1);
  return digest === undefined ? null : { version: state.digests.length - 1, digest };
}

/**
 * Returns the weights after some iterations, all of which are done: those that the next one begins with.
 */
export function weightsAfter(
  { digests, updateIterations }: Pick<RunState, "digests" | "updateIterations">,
  iterations: number,
): Weights {
  const found = updateIterations.findIndex((one) => one >= iterations);
  const version = found < 0 ? updateIterations.length : found;
  return { version, digest: digests[version] ?? "" };
}

/** Applies the next event of the ledger to the state. */
export function applyEvent(state: RunState, event: WatchedEvent): void {
  const { body, atMs } = event;
  const works = state.status === "running" && !isWithoutWork(body);
  const workedMs = works ? Math.max(0, atMs - state.lastAtMs) : 0;
  state.workedMs += workedMs;
  state.lastAtMs = atMs;
  sumEvent(state, body, state.justResumed ? workedMs : 0);
  state.justResumed = body.type === "run-resumed" || body.type === "inputs-recorded";
  addToDeaths(state.deaths, body, atMs);
  if (body.type === "iteration-done") state.iterationEndsMs.push(atMs);
  change(state, body, atMs);
}

/** Returns whether the time before an event is not time of work. */
function isWithoutWork({ type }: RunEventBody): boolean {
  return type === "run-started" || type === "run-resumed" || type === "run-forked";
}

function change(state: RunState, body: RunEventBody, atMs: number): void {
  switch (body.type) {
    case "run-submitted":
      addSubmission(state, body, atMs);
      return;
    case "run-forked":
      addFork(state, body);
      return;
    case "inputs-recorded":
      state.inputs = body.inputs;
      return;
    case "run-started":
      state.status = "running";
      state.digests[0] = body.weights.digest;
      return;
    case "run-paused":
      state.status = "queued";
      state.pausedAtMs = atMs;
      return;
    case "run-prioritized":
      state.priority = body.priority;
      return;
    case "run-resumed":
      state.status = "running";
      state.error = "";
      return;
    case "iteration-planned":
      state.open.add(body.iteration);
      state.sampledFrom.set(body.iteration, body.weights);
      state.taskDigests.set(body.iteration, hashJson(body.tasks));
      if (body.tier !== undefined) state.tiers.set(body.iteration, body.tier);
      return;
    case "groups-replaced":
      addReplacements(state, body);
      return;
    case "group-done":
      addGroup(state, body);
      return;
    case "iteration-sampled":
      state.sampledIterations.add(body.iteration);
      return;
    case "update-done":
      addUpdate(state, body);
      return;
    case "validation-done":
    case "report-done":
      addResult(state, body);
      return;
    case "checkpoint-written":
      addCheckpoint(state, body);
      return;
    case "iteration-done":
      addIteration(state, body);
      return;
    case "run-done":
      state.status = "done";
      state.result = body.result;
      return;
    case "run-failed":
    case "run-stuck":
      state.error = body.error;
      state.status = body.type === "run-stuck" ? "stuck" : "failed";
      return;
    case "run-cancelled":
      state.status = "cancelled";
      return;
    case "example":
      state.shownIterations.add(body.iteration);
      return;
    case "worker-lost":
    case "worker-ended":
    case "warning":
    case "progress":
      return;
    default:
      body satisfies never;
  }
}

function addSubmission(
  state: RunState,
  { inputs }: RunEventOf<"run-submitted">,
  atMs: number,
): void {
  if (state.status === "failed") state.countedFrom = state.iterationsDone;
  if (inputs !== undefined) state.inputs ??= inputs;
  state.status = "queued";
  state.error = "";
  state.submittedAtMs = atMs;
}

function addUpdate(state: RunState, body: RunEventOf<"update-done">): void {
  state.digests.push(body.weights.digest);
  state.updateIterations.push(body.iteration);
  state.logprobGapMax = Math.max(state.logprobGapMax, body.logprobGapMax ?? 0);
}

function addIteration(state: RunState, { iteration, metrics }: RunEventOf<"iteration-done">): void {
  state.iterationsDone = iteration + 1;
  state.open.delete(iteration);
  state.iterationMetrics.push(metrics);
}

function addFork(state: RunState, { run, iteration }: RunEventOf<"run-forked">): void {
  state.status = "queued";
  state.forkedFrom = { run, iterations: iteration };
}

function addReplacements(state: RunState, body: RunEventOf<"groups-replaced">): void {
  const { iteration, tasks } = body;
  const rounds = state.replacements.get(iteration) ?? [];
  const round = { count: tasks.length, digest: hashJson(tasks) };
  state.replacements.set(iteration, [...rounds, round]);
}

function addGroup(state: RunState, body: RunEventOf<"group-done">): void {
  const { groupKey, blob, meanReward, equalRewards, unscoredReason } = body;
  if (equalRewards === true) state.equalGroups.add(groupKey);
  state.groups.set(groupKey, blob);
  state.groupMeans.set(groupKey, meanReward);
  state.unscoredReason = unscoredReason ?? state.unscoredReason;
}

function addResult(
  state: RunState,
  body: RunEventOf<"validation-done"> | RunEventOf<"report-done">,
): void {
  const { type, ...result } = body;
  if (type === "validation-done") state.validations.push(result);
  else state.report = result as ReportResult;
}

function addCheckpoint(state: RunState, body: RunEventOf<"checkpoint-written">): void {
  const { type: _type, work: _work, ...durable } = body;
  const again = state.checkpoints.findIndex(({ folder }) => folder === durable.folder);
  if (again >= 0) state.checkpoints.splice(again, 1);
  state.checkpoints.push(durable);
}
