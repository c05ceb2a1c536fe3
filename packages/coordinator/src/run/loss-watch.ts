/**
 * Records the workers that a run loses, and ends the run as stuck if processes of one role die repeatedly without
 * progress in between; otherwise they would do so forever.
 */
import type { Clock } from "@gumshoe/core";
import type { RunEventBody, WorkerStatus } from "@gumshoe/protocol";

import { RunStuckError } from "../errors.js";
import type { Fleet, Leaving } from "../fleet/fleet.js";
import { stuckRole } from "./deaths.js";
import type { RunRecord } from "./run-record.js";
import { newestWeights, type RunState } from "./run-state.js";

/** Identifies the coordinator in `worker-lost` events. */
const COORDINATOR = "coordinator";

/** The work that a run currently has for its workers. */
export interface WantedWork {
  /** Returns whether the run waits for workers of a role. */
  isWanted(role: string): boolean;
  /** When the reducers were assigned their ranges, on the monotonic clock; null while they are not. */
  readonly plannedAtMs: number | null;
  /** Lanes done since the first update. */
  readonly lanesDone: number;
}

/** Dependencies of a {@link LossWatch}. */
export interface LossWatchOptions {
  readonly record: RunRecord;
  readonly fleet: Pick<Fleet, "onDeparture" | "onCause">;
  readonly clock: Clock;
  readonly work: WantedWork;
  /** Called with the reason once the run is stuck. */
  readonly onStuck: (error: RunStuckError) => void;
}

/** Watches the fleet for one run. */
export class LossWatch {
  readonly #options: LossWatchOptions;
  readonly #stops: (() => void)[] = [];

  constructor(options: LossWatchOptions) {
    this.#options = options;
  }

  /**
   * Starts watching. If the ledger already says that the run is stuck, `onStuck` is called at once.
   *
   * @param previousEnd  how the previous coordinator of this run ended; null if it did not die
   */
  start(previousEnd: string | null): void {
    const { fleet, clock } = this.#options;
    if (previousEnd !== null) {
      const who = { workerId: COORDINATOR, role: COORDINATOR, job: "", jobAgeMs: 0 };
      this.#append({ type: "worker-lost", ...who, cause: previousEnd, sinceMs: clock.now() });
    }
    this.#stops.push(
      fleet.onDeparture((worker, leaving) => {
        if (leaving.lost) this.#recordLoss(worker, leaving);
      }),
      fleet.onCause(({ workerId, role }, cause) => {
        this.#append({ type: "worker-ended", workerId, role, cause });
      }),
    );
    this.#check();
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #recordLoss(worker: WorkerStatus, { memberMs, cause }: Leaving): void {
    const { clock, work } = this.#options;
    const { workerId, role, job, jobAgeMs } = worker;
    const busyMs = this.#busyMs(worker, memberMs);
    this.#append({
      type: "worker-lost",
      workerId,
      role,
      job,
      jobAgeMs,
      lanesDone: work.lanesDone,
      ...(cause === null ? {} : { cause }),
      ...(busyMs === null ? {} : { sinceMs: Math.max(0, clock.now() - busyMs) }),
    });
  }

  /** Returns how long a worker had done the work during which it was lost; null if the run did not wait for it. */
  #busyMs({ role, job, jobAgeMs }: WorkerStatus, memberMs: number): number | null {
    const { record, clock, work } = this.#options;
    if (job.startsWith(`${record.config.name}/`)) return jobAgeMs;
    if (!work.isWanted(role)) return null;
    if (role !== "reducer" || work.plannedAtMs === null) return memberMs;
    return Math.min(memberMs, clock.monotonicMs() - work.plannedAtMs);
  }

  #append(body: RunEventBody): void {
    // The loss is logged too, and a ledger that cannot be written ends the run elsewhere.
    this.#options.record.append(body).then(
      () => this.#check(),
      () => undefined,
    );
  }

  #check(): void {
    const error = stuckError(this.#options.record.state);
    if (error !== null) this.#options.onStuck(error);
  }
}

/** Returns why a run is stuck, by its ledger; null if it is not. */
function stuckError(state: RunState): RunStuckError | null {
  const stuck = stuckRole(state.deaths);
  if (stuck === null) return null;
  const { count, cause, job } = stuck.deaths;
  const version = newestWeights(state)?.version ?? 0;
  const at = job === "" ? "" : `, at job ${job}`;
  const place = `in iteration ${state.iterationsDone + 1}, after update ${version}${at}`;
  return new RunStuckError({
    role: stuck.role,
    deaths: count,
    lastCause: cause ?? "its heartbeats stopped, and no supervisor reported how it ended",
    place,
  });
}
