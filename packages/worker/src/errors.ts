import { hostname } from "node:os";

import { ClusterError } from "@gumshoe/core";

/** Thrown when the engine's thread has ended or no longer replies. */
export class EngineLostError extends ClusterError {
  constructor(problem: string, cause?: unknown) {
    super("UNAVAILABLE", `the engine's thread ${problem}`, { cause });
  }
}

/** Thrown when pulled weights do not have the digest that the coordinator named. */
export class WrongWeightsError extends ClusterError {
  constructor(tensor: string, expected: string, got: string) {
    super("UNAVAILABLE", `${tensor} has digest ${got}, expected ${expected}`, {
      details: { tensor, expected, got },
    });
  }
}

/** Thrown when the engine is asked to compute with weights that it does not hold. */
export class OtherWeightsError extends ClusterError {
  constructor(wanted: string, held: string | null) {
    super("UNAVAILABLE", `the engine holds weights ${held ?? "none"}, not ${wanted}`, {
      details: { wanted, held },
    });
  }
}

/** Thrown when model or weights are replaced while a group is sampled from them. */
export class ModelSwitchedError extends ClusterError {
  constructor() {
    super("UNAVAILABLE", "the engine was given another model while this group was sampled");
  }
}

/** Thrown when the coordinator's files of a run are not those that the job names. */
export class OtherAssetsError extends ClusterError {
  constructor(run: string, wanted: string, got: string) {
    super("UNAVAILABLE", `run ${run} has files ${got}, the job names ${wanted}`, {
      details: { run, wanted, got },
    });
  }
}

/** Thrown when the files of an environment differ between this machine and the coordinator's. */
export class OtherEnvironmentError extends ClusterError {
  constructor(kind: string, wanted: string, got: string) {
    super(
      "FAILED_PRECONDITION",
      `the dataset or module of the ${kind} tasks on ${hostname()} is not the coordinator's ` +
        `(digest ${got.slice(0, 12)}, there ${wanted.slice(0, 12)}): every machine needs the same files`,
      { details: { kind, wanted, got } },
    );
  }
}

/** Thrown when a reducer is asked for data of another plan than the one it serves. */
export class WrongPlanError extends ClusterError {
  constructor(asked: string, held: string | null) {
    super("ABORTED", `plan ${asked} is not served here; the plan is ${held ?? "none"}`, {
      details: { asked, held },
    });
  }
}

/** Thrown when a reducer is asked for a step out of order: a lane is missing, or another update is due. */
export class OutOfOrderError extends ClusterError {
  constructor(problem: string) {
    super("FAILED_PRECONDITION", problem);
  }
}

/** Thrown when a reducer is asked to write outside of the run's checkpoints, or to a file that does not exist. */
export class CheckpointPathError extends ClusterError {
  constructor(name: string, problem: string, cause?: unknown) {
    super("INVALID_ARGUMENT", `checkpoint file ${name} ${problem}`, { details: { name }, cause });
  }
}

/** Thrown when an optimizer file is missing, truncated or of another shape. */
export class OptimizerFileError extends ClusterError {
  constructor(file: string, problem: string, cause?: unknown) {
    super("DATA_LOSS", `${file}: ${problem}`, { details: { file }, cause });
  }
}

/** Thrown when a GPU has too little memory for a worker's model: with what the model takes there. */
export class GpuMemoryError extends ClusterError {
  /** @param bill  what takes the memory, in words */
  constructor(cause: ClusterError, bill: string) {
    const advice = "give the worker a GPU of its own or a larger one, or shorten answers and packs";
    super("RESOURCE_EXHAUSTED", `${cause.message}; this worker's model takes ${bill}: ${advice}`, {
      details: { bill },
      cause,
    });
  }
}

/** Thrown when the device that a worker was given cannot be used. */
export class WorkerDeviceError extends ClusterError {
  constructor(cause: ClusterError) {
    super(cause.code, `GUMSHOE_DEVICE: ${cause.message}`, { details: cause.details, cause });
  }
}

/** Thrown when the lease of this worker's GPU has expired, and another worker has taken it. */
export class GpuLeaseLostError extends ClusterError {
  constructor(ordinal: number) {
    super("ABORTED", `another worker has taken this one's GPU, cuda:${ordinal}`);
  }
}

/** Thrown when an environment variable of a worker is missing or wrong. */
export class WorkerSettingsError extends ClusterError {
  constructor(
    readonly variable: string,
    problem: string,
  ) {
    super("INVALID_ARGUMENT", `${variable}: ${problem}`, { details: { variable } });
  }
}
