/**
 * Records the workers that a run loses, and ends a run that is stuck: processes of one role that die again
 * and again without any progress between would go on dying for ever.
 */
import { type Clock } from "@gumshoe/core";
import { type RunEventBody, type WorkerStatus } from "@gumshoe/protocol";

import { RunStuckError } from "../errors.js";
import { type Fleet, type Leaving } from "../fleet/fleet.js";
import { stuckRole } from "./deaths.js";
import { type RunRecord } from "./run-record.js";
import { newestWeights, type RunState } from "./run-state.js";

/** Stands for the coordinator among the workers that were lost. */
const COORDINATOR = "coordinator";

/** What a run wants of its workers at this moment. */
export interface WantedWork {
  /** Says whether the run waits for workers of a role. */
  isWanted(role: string): boolean;
  /** When the ranges of the parameters were given out, on the monotonic clock; null while they are not. */
  readonly plannedAtMs: number | null;
  /** Lanes that are done since the first update. */
  readonly lanesDone: number;
}

/** What the watch needs. */
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
   * Begins; a run whose ledger says already that it is stuck is told so at once.
   *
   * @param previousEnd  how the coordinator that worked on this run before ended; null where it did not die
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

  /** For how long a worker did what it was lost at; null where the run did not wait for it. */
  #busyMs({ role, job, jobAgeMs }: WorkerStatus, memberMs: number): number | null {
    const { record, clock, work } = this.#options;
    if (job.startsWith(`${record.config.name}/`)) return jobAgeMs;
    if (!work.isWanted(role)) return null;
    if (role !== "reducer" || work.plannedAtMs === null) return memberMs;
    return Math.min(memberMs, clock.monotonicMs() - work.plannedAtMs);
  }

  #append(body: RunEventBody): void {
    // The log has it too; a ledger that cannot be written is found out by the run itself.
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

/** The reason that a run is stuck, as its ledger says; null while it is not. */
export function stuckError(state: RunState): RunStuckError | null {
  const stuck = stuckRole(state.deaths);
  if (stuck === null) return null;
  const { count, cause, job } = stuck.deaths;
  const version = newestWeights(state)?.version ?? 0;
  const at = job === "" ? "" : `, at job ${job}`;
  const place = `in iteration ${state.iterationsDone + 1}, after update ${version}${at}`;
  return new RunStuckError({
    role: stuck.role,
    deaths: count,
    lastCause: cause ?? "it fell silent, and no supervisor says how it ended",
    place,
  });
}
