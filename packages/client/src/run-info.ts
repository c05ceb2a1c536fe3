import { checkRunConfig, type RunConfig, RunResult } from "@gumshoe/config";
import {
  type ForkedFrom,
  type MachineTime,
  type Run,
  RunState,
  type WeightVersion,
} from "@gumshoe/protocol";

/**
 * The state of a run.
 *
 * - `queued`: accepted, waiting for another run or for workers
 * - `running`: sampling or learning
 * - `done`: all iterations are done
 * - `failed`: ended by an error
 * - `stuck`: stopped because workers died again and again; continues when it is submitted again
 * - `cancelled`: stopped by a user; resumes when it is submitted again
 */
export type RunStateName =
  "queued" | "running" | "done" | "failed" | "stuck" | "cancelled" | "unknown";

/** A run with its state, as reported by the coordinator. */
export interface RunInfo {
  readonly name: string;
  readonly state: RunStateName;
  /** The resolved config; null when another version of Gumshoe wrote it. */
  readonly config: RunConfig | null;
  readonly iterationsDone: number;
  readonly iterationsTotal: number;
  /** The newest weights; null before the run has started. */
  readonly weights: WeightVersion | null;
  /** Why the run failed or is stuck; null otherwise. */
  readonly error: string | null;
  /**
   * Description of what the run waits for, e.g. a Redis that cannot be reached; null for nothing.
   */
  readonly waitingFor: string | null;
  /** The run's result; null before it is done. */
  readonly result: RunResult | null;
  readonly submittedAt: Date;
  /** Warnings about its settings, the oldest first. */
  readonly warnings: readonly string[];
  /** Forecast of the remaining time, in seconds; null before three iterations, and after the end. */
  readonly secondsLeft: number | null;
  /** Machine time so far; null for runs of earlier versions. */
  readonly used: MachineTime | null;
  /** Machine time expected at the end; null while there is no forecast. */
  readonly expected: MachineTime | null;
  /** The run that it was forked from, and how many iterations the two share; null for no fork. */
  readonly forkedFrom: ForkedFrom | null;
  /** Runs of a higher priority run first. */
  readonly priority: number;
  /** Names of the runs that are scheduled before this one; empty unless it waits for the workers. */
  readonly ahead: readonly string[];
}

const STATES: Record<RunState, RunStateName> = {
  [RunState.UNSPECIFIED]: "unknown",
  [RunState.QUEUED]: "queued",
  [RunState.RUNNING]: "running",
  [RunState.DONE]: "done",
  [RunState.FAILED]: "failed",
  [RunState.STUCK]: "stuck",
  [RunState.CANCELLED]: "cancelled",
  [RunState.UNRECOGNIZED]: "unknown",
};

/** Returns whether a run in this state has ended. */
export function hasEnded(state: RunStateName): boolean {
  return state === "done" || state === "failed" || state === "stuck" || state === "cancelled";
}

/** Converts a run message. */
export function fromRun(run: Run): RunInfo {
  return {
    name: run.name,
    state: STATES[run.state],
    config: readOrNull(run.configJson, checkRunConfig),
    iterationsDone: run.iterationsDone,
    iterationsTotal: run.iterationsTotal,
    weights: run.weights ?? null,
    error: run.error === "" ? null : run.error,
    waitingFor: run.waitingFor === "" ? null : run.waitingFor,
    result: readOrNull(run.resultJson, (json) => RunResult.parse(json)),
    submittedAt: new Date(run.submittedAtMs),
    warnings: run.warnings,
    secondsLeft: run.secondsLeft ?? null,
    used: run.used ?? null,
    expected: run.expected ?? null,
    forkedFrom: run.forkedFrom ?? null,
    priority: run.priority,
    ahead: run.ahead,
  };
}

function readOrNull<T>(json: string, check: (value: unknown) => T): T | null {
  if (json === "") return null;
  try {
    return check(JSON.parse(json));
  } catch {
    return null;
  }
}
