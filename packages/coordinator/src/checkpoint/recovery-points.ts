import { existsSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";

import {
  type Clock,
  diskRoom,
  DiskFullError,
  errorMessage,
  type Logger,
  syncFolder,
} from "@gumshoe/core";

import type { ReducerPlan } from "../fleet/reducer-plan.js";
import { makeSubfolder } from "../ledger/subfolder.js";
import type { RunRecord } from "../run/run-record.js";
import { newestUsable } from "../plan/staleness.js";
import type { Checkpoints } from "./checkpoints.js";
import { resumePoints } from "./resume-points.js";
import { listRecoveryPoints, recoveryFolder } from "./stored-recovery-points.js";

/** The parts that recovery points work with. */
export interface RecoveryOptions {
  readonly record: RunRecord;
  readonly checkpoints: Checkpoints;
  readonly plan: ReducerPlan;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Age, in ms, at which the newest durable weights are replaced by a recovery point. */
  readonly everyMs: number;
}

/**
 * Bounds the work that a lost reducer costs by time: weights and optimizer state are written to
 * `recovery/<version>` whenever the newest durable ones are older than `everyMs`.
 *
 * - A point is written while trainers and samplers work on the next update; the reducers' next step
 *   waits for it, because the step changes what is written.
 * - Points are not in the ledger and steer nothing: a point counts only if its digest is the one
 *   that the ledger has for its version.
 * - A point that cannot be written, or would leave too little room for the next checkpoint, is
 *   logged, and tried again after `everyMs`.
 */
export class RecoveryPoints {
  readonly #options: RecoveryOptions;
  readonly #folder: string;
  #durableAtMs: number;
  #writing: Promise<void> | null = null;
  /** The version from which on the run can pause; null before it wants to. */
  #ensured: number | null = null;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#folder = recoveryFolder(options.record);
    this.#durableAtMs = options.clock.monotonicMs();
  }

  /** Starts to write the reducers' newest weights, if the newest durable ones are too old. */
  startIfDue(version: number): void {
    const { clock, everyMs, record } = this.#options;
    if (this.#writing !== null || clock.monotonicMs() - this.#durableAtMs < everyMs) return;
    const digest = record.state.digests[version];
    if (digest === undefined) return;
    this.#durableAtMs = clock.monotonicMs();
    this.#writing = this.#write(version, digest)
      .catch((error: unknown) => this.#report(version, error))
      .finally(() => {
        this.#writing = null;
      });
  }

  /** Resolves when no point is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  /**
   * Writes the newest weights, unless they are durable, and returns whether the run goes on from them, or
   * from later ones, when it is loaded again. With staleness that is so some iterations later: ask again
   * after each. A point that cannot be written is logged, and tried again.
   */
  async ensure(version: number): Promise<boolean> {
    const { checkpoints, record, clock } = this.#options;
    await this.settled();
    if (this.#ensured === null) {
      const digest = record.state.digests[version];
      if (digest === undefined) return false;
      this.#durableAtMs = clock.monotonicMs();
      try {
        const { version: durable } = await checkpoints.newest(Infinity);
        if (durable !== version) await this.#write(version, digest);
      } catch (error) {
        this.#report(version, error);
        return false;
      }
      this.#ensured = version;
    }
    const source = await checkpoints.newest(newestUsable(record.config, record.state));
    return source.version >= this.#ensured;
  }

  /** Deletes all points that are not needed any more: a checkpoint of the newest weights was written. */
  async supersede(): Promise<void> {
    await this.settled();
    this.#durableAtMs = this.#options.clock.monotonicMs();
    const needed = await this.#needed();
    if (needed.length === 0) await rm(this.#folder, { recursive: true, force: true });
    else await this.#deleteBut(needed);
  }

  /** Returns the names of the points that sampling goes on from, unless checkpoints will do. */
  async #needed(): Promise<string[]> {
    const { record } = this.#options;
    const points = await listRecoveryPoints(record);
    const checkpoints = record.state.checkpoints.filter(({ folder }) => existsSync(folder));
    const maxVersion = newestUsable(record.config, record.state);
    return resumePoints([...points, ...checkpoints], maxVersion)
      .filter((one) => points.includes(one))
      .map(({ folder }) => basename(folder));
  }

  async #deleteBut(names: readonly string[]): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (names.includes(name)) continue;
      await rm(join(this.#folder, name), { recursive: true, force: true });
    }
  }

  async #write(version: number, digest: string): Promise<void> {
    const { checkpoints, plan, record, logger, clock } = this.#options;
    const startedAtMs = clock.monotonicMs();
    this.#checkRoom();
    const folder = join(this.#folder, String(version));
    const temporary = `${folder}.tmp`;
    await rm(temporary, { recursive: true, force: true });
    await makeSubfolder(this.#folder);
    await makeSubfolder(temporary);
    try {
      const iteration = record.state.updateIterations[version - 1] ?? 0;
      const weights = { version, digest };
      await checkpoints.fill(temporary, folder, { plan, iteration, weights, format: "F32" });
      await rename(temporary, folder);
      await syncFolder(this.#folder);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
      throw error;
    }
    await this.#deleteBut([String(version), ...(await this.#needed())]);
    const seconds = (clock.monotonicMs() - startedAtMs) / 1000;
    logger.info({ run: record.config.name, version, seconds }, "a recovery point was written");
  }

  /** A point must leave room for the next checkpoint. @throws DiskFullError */
  #checkRoom(): void {
    const { record, checkpoints } = this.#options;
    const room = diskRoom(record.folder);
    const neededBytes = 2 * checkpoints.bytesOf("F32");
    if (room.freeBytes < neededBytes) {
      throw new DiskFullError(record.folder, { ...room, neededBytes });
    }
  }

  #report(version: number, error: unknown): void {
    const { plan, record, logger } = this.#options;
    if (plan.lost.aborted) return;
    const problem = `no recovery point was written: ${errorMessage(error)}`;
    logger.warn({ run: record.config.name, version }, problem);
  }
}
