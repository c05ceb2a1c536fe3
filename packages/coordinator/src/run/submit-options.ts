import type { ForkOf } from "../submission/fork-point.js";
import type { RunRecord } from "./run-record.js";

/** How a run is submitted. */
export interface SubmitOptions {
  /** Replaces the run of that name with this submission time; default: none. */
  readonly replacesSubmittedAtMs?: number | undefined;
  /** Takes a run that the workers' machines have too little memory for; default: false. */
  readonly allowOvercommit?: boolean | undefined;
  /** Runs of a higher priority run first; default: 0, or the one it has. */
  readonly priority?: number | undefined;
  /** Forks a run; default: the run starts from its model. */
  readonly forkOf?: ForkOf | undefined;
}

/** How a run is created. */
export interface CreateOptions {
  /** The run of that name that is removed first. */
  readonly replaced?: RunRecord;
  readonly allowOvercommit: boolean;
  readonly forkOf?: ForkOf | undefined;
}
