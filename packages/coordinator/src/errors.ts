import { ClusterError } from "@gumshoe/core";

/** Thrown when a stored record or blob differs from what was written. */
export class CorruptRecordError extends ClusterError {
  constructor(file: string, problem: string, cause?: unknown) {
    super("DATA_LOSS", `${file}: ${problem}`, { details: { file }, cause });
  }
}

/** Thrown when a run's ledger cannot be read because a complete line of it is damaged. */
export class BrokenLedgerError extends CorruptRecordError {
  constructor(
    readonly file: string,
    readonly line: number,
    readonly reason: string,
  ) {
    const remedy = "put back a copy of the file, or move the run's folder away and submit it again";
    super(file, `line ${line} is broken: ${reason}; ${remedy}`);
  }
}

/** Thrown when an event would not survive the round trip through the ledger; nothing is written. */
export class UnwritableEventError extends ClusterError {
  constructor(
    readonly event: string,
    readonly field: string,
    problem: string,
  ) {
    super("FAILED_PRECONDITION", `event ${event} cannot be recorded: ${field} ${problem}`, {
      details: { event, field },
    });
  }
}

/** Thrown when a ledger is open already, in this process or another running one. */
export class LedgerInUseError extends ClusterError {
  constructor(
    readonly folder: string,
    readonly pid: number,
  ) {
    super("FAILED_PRECONDITION", `${folder}: its ledger is open already, in process ${pid}`, {
      details: { folder, pid },
    });
  }
}

/** Thrown when blobs cannot be written. */
export class BlobsFailedError extends ClusterError {
  constructor(problem: string, cause?: unknown) {
    super("RESOURCE_EXHAUSTED", `blobs cannot be written: ${problem}`, { cause });
  }
}

/** Thrown when a file that a run reads cannot be read. */
export class UnreadableFileError extends ClusterError {
  constructor(
    readonly file: string,
    problem: string,
  ) {
    super("FAILED_PRECONDITION", `${file} cannot be read: ${problem}`, { details: { file } });
  }
}

/** Thrown when a run is resumed and one of its inputs has changed since it began. */
export class InputChangedError extends ClusterError {
  constructor(
    readonly field: string,
    problem: string,
  ) {
    const remedy = "put back what it was, give the run another name, or begin it anew with --fresh";
    super("FAILED_PRECONDITION", `${field}: ${problem}: ${remedy}`, { details: { field } });
  }
}

/** Thrown when the tasks of a planned iteration are made again and are others than the ledger records. */
export class TasksChangedError extends ClusterError {
  constructor(readonly iteration: number) {
    const field = "tasks.source";
    const problem =
      `the tasks of iteration ${iteration} are not those that it was planned with: task() of a module may ` +
      "depend on index and rng alone, not on earlier calls, a clock or a file that changes";
    super("FAILED_PRECONDITION", `${field}: ${problem}`, { details: { field } });
  }
}

/** Thrown when no run has the given name. */
export class UnknownRunError extends ClusterError {
  constructor(name: string) {
    super("NOT_FOUND", `there is no run ${name}`, { details: { name } });
  }
}

/** Thrown when a run has no such checkpoint, or has deleted it. */
export class UnknownCheckpointError extends ClusterError {
  constructor(run: string, which: string, problem: string) {
    super("NOT_FOUND", `run ${run}: checkpoint ${which} ${problem}`, { details: { run, which } });
  }
}

/** Thrown when a name belongs to a run with another config. */
export class NameTakenError extends ClusterError {
  /** @param differences  description of the fields that differ */
  constructor(name: string, differences: string) {
    super(
      "ALREADY_EXISTS",
      `run ${name} exists with another config: ${differences}; give this run another name (--name) or ` +
        "replace that one (--fresh)",
      { details: { name, differences } },
    );
  }
}

/** Thrown when the run to be removed has not ended. */
export class RunNotEndedError extends ClusterError {
  constructor(name: string, status: string) {
    super(
      "FAILED_PRECONDITION",
      `run ${name} is ${status}; cancel it first (npx gumshoe cancel ${name})`,
      { details: { name, status } },
    );
  }
}

/** Thrown when another run reads the files of the run to be removed. */
export class RunInUseError extends ClusterError {
  constructor(name: string, reader: string, path: string) {
    super("FAILED_PRECONDITION", `run ${name} is not removed: ${reader} reads ${path}`, {
      details: { name, path },
    });
  }
}

/** Thrown when a run has ended and its folder no longer exists. */
export class RunFilesGoneError extends ClusterError {
  constructor(
    readonly run: string,
    readonly folder: string,
  ) {
    super(
      "FAILED_PRECONDITION",
      `the files of run ${run} are gone: there is no ledger in ${folder}; put the folder back, or remove the ` +
        `run (npx gumshoe forget ${run})`,
      { details: { run, folder } },
    );
  }
}

/**
 * Thrown when a run's folder cannot be opened: its name stays reserved, and nothing is written to
 * it.
 */
export class UnreadableRunError extends ClusterError {
  constructor(
    readonly run: string,
    readonly folder: string,
    readonly reason: string,
  ) {
    const remedy = `mend ${folder} or move it away, then submit the run again; or take another name`;
    super("FAILED_PRECONDITION", `run ${run} cannot be opened: ${reason}; ${remedy}`, {
      details: { run, folder, reason },
    });
  }
}

/** Thrown when a worker fetches or submits work that is no longer needed. */
export class NotExpectedError extends ClusterError {
  constructor(what: string) {
    super("NOT_FOUND", `${what} is not wanted (any more)`);
  }
}

/** Thrown when a group was sampled from other weights than requested. */
export class WrongGroupWeightsError extends ClusterError {
  constructor(groupKey: string, expected: string, got: string) {
    super("FAILED_PRECONDITION", `${groupKey} was sampled from weights ${got}, not ${expected}`, {
      details: { groupKey, expected, got },
    });
  }
}

/** Thrown when a lane was computed with other weights than requested. */
export class WrongLaneWeightsError extends ClusterError {
  constructor(lane: string, expected: string, got: string) {
    super("FAILED_PRECONDITION", `lane ${lane} was computed with ${got}, not ${expected}`, {
      details: { lane, expected, got },
    });
  }
}

/** Thrown when a submitted group does not match its request. */
export class MalformedGroupError extends ClusterError {
  constructor(groupKey: string, problem: string, workerId = "") {
    super("INVALID_ARGUMENT", `group ${groupKey} of worker ${shortId(workerId)}: ${problem}`, {
      details: { groupKey, workerId: shortId(workerId) },
    });
  }
}

/** Thrown when a trainer's report of a lane holds values that no trainer can produce. */
export class MalformedLaneError extends ClusterError {
  constructor(lane: string, problem: string, workerId: string) {
    super("INVALID_ARGUMENT", `lane ${lane} of worker ${shortId(workerId)}: ${problem}`, {
      details: { lane, workerId: shortId(workerId) },
    });
  }
}

/** Thrown when values that must agree bit for bit differ. */
export class ExactnessError extends ClusterError {
  constructor(problem: string) {
    super("EXACTNESS", problem);
  }
}

/** Thrown when a plan has lost one of its reducers: a new plan must be made. */
export class PlanLostError extends ClusterError {
  constructor(plan: string, problem: string) {
    super("UNAVAILABLE", `plan ${plan}: ${problem}`, { details: { plan } });
  }
}

/** Thrown when a run is cancelled by a user, or the coordinator stops. */
export class RunStoppedError extends ClusterError {
  constructor(readonly reason: "cancelled" | "shutdown") {
    super("ABORTED", `the run was stopped: ${reason}`);
  }
}

/** Thrown when a run that has ended is asked for what only others can do. */
export class RunEndedError extends ClusterError {
  constructor(run: string, status: string) {
    super("FAILED_PRECONDITION", `run ${run} has ended (${status})`, { details: { run, status } });
  }
}

/** Thrown when workers of one role died again and again without any progress of the run between. */
export class RunStuckError extends ClusterError {
  readonly role: string;
  /** In a row. */
  readonly deaths: number;
  readonly lastCause: string;

  constructor(about: { role: string; deaths: number; lastCause: string; place: string }) {
    const { role, deaths, lastCause, place } = about;
    super(
      "FAILED_PRECONDITION",
      `stuck ${place}: ${role} died ${deaths} times without any progress between, the last time: ` +
        `${lastCause}; ${adviceFor(role, lastCause)}, then submit the run again: it goes on from there`,
      { details: { role, deaths, cause: lastCause } },
    );
    [this.role, this.deaths, this.lastCause] = [role, deaths, lastCause];
  }
}

/** What helps against a cause of death. */
function adviceFor(role: string, cause: string): string {
  if (!cause.includes("out of memory")) return `look into the log of the ${role} that died`;
  return (
    "give the machine more memory or fewer workers, or lower maxPackTokens, rollouts.perTask or the " +
    "length of answers"
  );
}

/** Thrown when a run's own data leave nothing to learn from. */
export class RunCannotLearnError extends ClusterError {
  constructor(problem: string) {
    super("FAILED_PRECONDITION", problem);
  }
}

/** Thrown when an update's numbers are not finite; the weights stay unchanged. */
export class RunDivergedError extends ClusterError {
  constructor(
    readonly update: number,
    readonly figure: string,
    readonly value: number,
  ) {
    const remedy = "start another run with a lower optimizer.lr, or from other weights";
    super(
      "FAILED_PRECONDITION",
      `the run has diverged: in update ${update}, ${figure} is ${value}; ${remedy}`,
      { details: { update, figure } },
    );
  }
}

/** Thrown when a worker announces the address of another live worker. */
export class AddressTakenError extends ClusterError {
  constructor(address: string, holder: { workerId: string; host: string }) {
    const { workerId, host } = holder;
    super(
      "UNAVAILABLE",
      `worker ${workerId} on ${host} has the address ${address} already; give each worker an address that ` +
        "the others can reach (GUMSHOE_ANNOUNCE)",
      { details: { address, workerId, host } },
    );
  }
}

/** Thrown when another running coordinator uses the same home. */
export class HomeInUseError extends ClusterError {
  constructor(home: string, pid: number) {
    super("FAILED_PRECONDITION", `a coordinator already works in ${home} (process ${pid})`, {
      details: { home, pid },
    });
  }
}

/** Thrown when an environment variable of the coordinator is missing or wrong. */
export class CoordinatorSettingsError extends ClusterError {
  constructor(variable: string, problem: string) {
    super("INVALID_ARGUMENT", `${variable}: ${problem}`, { details: { variable } });
  }
}

/** Shortens a worker's id for an error message: a caller may send any length. */
function shortId(workerId: string): string {
  return workerId.slice(0, 100);
}

/** Thrown when the thread that reads answers for the API has ended. */
export class ReadingFailedError extends ClusterError {
  constructor(problem: string, cause?: unknown) {
    super("UNAVAILABLE", `answers cannot be read: the thread that reads them ${problem}`, {
      cause,
    });
  }
}

/** Thrown when a run has not begun the iteration that is asked for. */
export class UnknownIterationError extends ClusterError {
  constructor(run: string, iteration: number) {
    super("NOT_FOUND", `run ${run} has not begun iteration ${iteration}`);
  }
}

/** Thrown when a run has no answers of the group that is asked for. */
export class UnknownGroupError extends ClusterError {
  constructor(run: string, what: string) {
    super("NOT_FOUND", `run ${run} has no answers of ${what}`);
  }
}

/** Thrown when a change may have been asked for by another site, through the browser of a user. */
export class CrossSiteError extends ClusterError {
  constructor(problem: string) {
    super("FAILED_PRECONDITION", `the request is refused: ${problem}`);
  }
}
