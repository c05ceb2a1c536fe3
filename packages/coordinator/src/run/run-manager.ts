import { readdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

import {
  diskError,
  DiskFullError,
  errorMessage,
  hashJson,
  InvalidArgumentError,
} from "@gumshoe/core";
import { configDifferences, type RunConfig, RunName } from "@gumshoe/config";
import type { RunEventBody } from "@gumshoe/protocol";

import type { BackgroundThread } from "../background/background-thread.js";
import {
  CorruptRecordError,
  NameTakenError,
  RunEndedError,
  RunStoppedError,
  UnknownRunError,
  UnreadableRunError,
} from "../errors.js";
import type { AllowedFolders } from "../submission/allowed-folders.js";
import type { AllowedServers } from "../submission/allowed-servers.js";
import { describeDifferences } from "../submission/describe-differences.js";
import { checkSameFork, checkSameModel, findForkPoint } from "../submission/fork-point.js";
import type { HubInputs } from "../submission/hub-inputs.js";
import { NameLocks } from "./name-locks.js";
import { newRecord } from "./new-record.js";
import { type DriverOptions, RunDriver } from "./run-driver.js";
import { checkFilesThere, deleteLeftovers, isRemoved, makeRunsFolder } from "./run-folder.js";
import { checkMemory } from "../submission/memory-check.js";
import { checkInputs, checkUnchanged } from "../submission/run-inputs.js";
import { RunRecord } from "./run-record.js";
import { recordCancel, recordEnd, removeJobs } from "./record-end.js";
import type { CreateOptions, SubmitOptions } from "./submit-options.js";
import { checkRemovable, removeRun } from "./run-removal.js";
import { checkPriority, isPreempted } from "./scheduling.js";
import { WaitingRuns } from "./waiting-runs.js";

/** Interval, in ms, at which opening a run on a full disk is retried. */
const DISK_POLL_MS = 1000;

/** The parts that the manager works with. */
export interface ManagerOptions extends Omit<DriverOptions, "record" | "isPreempted"> {
  /** Time slice of a run, in ms, while others of its priority wait for the workers. */
  readonly sliceMs: number;
  /** Folder that holds one folder per run. */
  readonly folder: string;
  readonly background: BackgroundThread;
  /** Called with every event that is appended to a ledger. */
  readonly onEvent?: (body: RunEventBody) => void;
  /** The folders in which configs may name files. */
  readonly allowed: AllowedFolders;
  readonly servers: AllowedServers;
  /** Where models and files of the hub are. */
  readonly hub: HubInputs;
}

interface Active {
  readonly record: RunRecord;
  readonly driver: RunDriver;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Owns all runs, and executes one at a time: `scheduling.ts` has the policy. */
export class RunManager {
  readonly #options: ManagerOptions;
  readonly #records = new Map<string, RunRecord>();
  readonly #unreadable = new Map<string, UnreadableRunError>();
  /** Serializes the submissions and removals of each name. */
  readonly #locks = new NameLocks();
  readonly #waiting = new WaitingRuns();
  #active: Active | null = null;
  #stopping = false;
  #previousEnd: string | null;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#previousEnd = options.previousEnd;
  }

  /** Opens the runs on disk. A run that cannot be opened keeps its name, and reports the reason. */
  async load(): Promise<void> {
    const { folder, logger } = this.#options;
    await makeRunsFolder(folder);
    await deleteLeftovers(folder, logger);
    const records: RunRecord[] = [];
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      // A symbolic link may lead to a run on another disk.
      if (isRemoved(entry.name)) continue;
      if (!entry.isDirectory() && !entry.isSymbolicLink()) {
        this.#keepName(entry.name, "it is no folder");
        continue;
      }
      const record = await this.#open(entry.name);
      if (record !== null) records.push(record);
    }
    for (const record of records) {
      this.#records.set(record.config.name, record);
      if (!record.hasEnded) this.#waiting.add(record);
    }
  }

  async #open(name: string): Promise<RunRecord | null> {
    const { clock, diskWaitMs, logger } = this.#options;
    const folder = join(this.#options.folder, name);
    const giveUpAtMs = clock.monotonicMs() + diskWaitMs;
    for (;;) {
      try {
        return await this.#openNamed(name, folder);
      } catch (thrown) {
        // Not a valid run name, so no submission can collide: a folder of the file system, or of a
        // user.
        if (!RunName.safeParse(name).success) return null;
        const error = diskError(thrown, folder) ?? thrown;
        if (error instanceof DiskFullError && clock.monotonicMs() < giveUpAtMs) {
          logger.warn({ run: name }, `waiting for the disk: ${error.message}`);
          await clock.sleep(DISK_POLL_MS);
          continue;
        }
        this.#keepName(name, reasonOf(error, folder));
        return null;
      }
    }
  }

  /** Reserves a name whose folder cannot be opened, so that no new run takes it. */
  #keepName(name: string, reason: string): void {
    if (!RunName.safeParse(name).success) return;
    const { folder, logger } = this.#options;
    const unreadable = new UnreadableRunError(name, join(folder, name), reason);
    logger.error({ run: name }, unreadable.message);
    this.#unreadable.set(name, unreadable);
  }

  /** @throws CorruptRecordError when the folder holds a run of another name, e.g. a copy */
  async #openNamed(name: string, folder: string): Promise<RunRecord | null> {
    const record = await RunRecord.open(folder, this.#options);
    if (record === null || record.config.name === name) return record;
    await record.close();
    throw new CorruptRecordError(folder, `its ledger is that of run ${record.config.name}`);
  }

  /** Resumes the unfinished runs, and accepts new ones. */
  start(): void {
    this.#next();
  }

  /** Stops the current run where it is; its ledger is enough to resume it. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#active?.stop.abort(new RunStoppedError("shutdown"));
    await this.#active?.ended;
    await Promise.all([...this.#records.values()].map((record) => record.close()));
  }

  /**
   * Creates a run, or resumes it. Idempotent by name and config.
   *
   * @throws RunTooLargeError, NameTakenError, UnreadableRunError, InputChangedError, RunFilesGoneError,
   *   RunNotEndedError, RunInUseError, and errors about the files that a run starts from
   */
  async submit(config: RunConfig, options: SubmitOptions = {}): Promise<RunRecord> {
    const { priority } = options;
    if (priority !== undefined) checkPriority(priority);
    return this.#locks.run(config.name, async () => {
      const record = await this.#submit(config, options);
      if (priority === undefined || record.hasEnded) return record;
      return this.prioritize(config.name, priority);
    });
  }

  async #submit(config: RunConfig, options: SubmitOptions): Promise<RunRecord> {
    const { replacesSubmittedAtMs, allowOvercommit = false, forkOf } = options;
    const { name } = config;
    const known = this.#records.get(name);
    if (known === undefined) return this.#create(config, { allowOvercommit, forkOf });
    if (known.state.submittedAtMs === replacesSubmittedAtMs) {
      checkRemovable(known, this.list(), config);
      if (forkOf?.run === name) {
        throw new InvalidArgumentError("name", `is that of the forked run; give another name`);
      }
      return this.#create(config, { replaced: known, allowOvercommit, forkOf });
    }
    if (forkOf !== undefined) checkSameFork(known, forkOf);
    return this.#resume(known, config, allowOvercommit);
  }

  async #resume(known: RunRecord, config: RunConfig, allowOvercommit: boolean): Promise<RunRecord> {
    const { name } = config;
    if (known.hasEnded) await checkFilesThere(known);
    if (hashJson(known.config) !== hashJson(config)) {
      throw new NameTakenError(
        name,
        describeDifferences(configDifferences([known.config, config])),
      );
    }
    if (["cancelled", "failed", "stuck"].includes(known.state.status)) {
      const billed = await checkUnchanged(known);
      if (!allowOvercommit) checkMemory(billed, this.#options.fleet, hostname());
      // Recorded, so that a watcher does not mistake the previous end for the end of this attempt.
      await known.append({ type: "run-submitted", config });
    }
    if (known.state.status !== "done") this.#enqueue(name);
    return known;
  }

  /** Cancels a run that has not ended. */
  async cancel(name: string): Promise<RunRecord> {
    const record = this.get(name);
    if (this.#active?.record === record) {
      this.#active.stop.abort(new RunStoppedError("cancelled"));
      await this.#active.ended;
    } else if (this.#waiting.delete(record)) {
      await recordCancel(record, this.#options.logger);
    }
    return record;
  }

  /**
   * Removes an ended run with all its files.
   *
   * @returns bytes that were freed on disk
   * @throws  UnknownRunError, RunNotEndedError, RunInUseError
   */
  forget(name: string): Promise<number> {
    return this.#locks.run(name, async () => {
      const record = this.get(name);
      checkRemovable(record, this.list(), null);
      return this.#remove(record);
    });
  }

  /** @throws UnknownRunError, UnreadableRunError */
  get(name: string): RunRecord {
    const record = this.#records.get(name);
    if (record === undefined) throw this.#unreadable.get(name) ?? new UnknownRunError(name);
    return record;
  }

  /** The runs whose folders cannot be opened, by name. */
  get unreadable(): ReadonlyMap<string, UnreadableRunError> {
    return this.#unreadable;
  }

  /** Lists all runs, the newest first. */
  list(): RunRecord[] {
    return [...this.#records.values()].sort(
      (a, b) => b.state.submittedAtMs - a.state.submittedAtMs,
    );
  }

  /** Returns the names of the runs that are scheduled before a waiting one. */
  ahead(name: string): string[] {
    const before = this.#waiting.before(name);
    if (before === null || this.#active === null) return before ?? [];
    return [this.#active.record.config.name, ...before];
  }

  /** Changes the priority of a run that has not ended; it takes effect before the next iteration. */
  async prioritize(name: string, priority: number): Promise<RunRecord> {
    const record = this.get(name);
    checkPriority(priority);
    if (record.hasEnded) throw new RunEndedError(name, record.state.status);
    if (record.state.priority !== priority) {
      await record.append({ type: "run-prioritized", priority });
    }
    return record;
  }

  /** Describes what a running run waits for; null for nothing. */
  waitingFor(name: string): string | null {
    return this.activeDriver(name)?.waitingFor ?? null;
  }

  /** Returns the driver of a run, by default of the running one; null when it is not running. */
  activeDriver(name = this.#active?.record.config.name): RunDriver | null {
    return this.#active?.record.config.name === name ? (this.#active?.driver ?? null) : null;
  }

  /** Returns the driver of a running run. @throws UnknownRunError */
  driver(name: string): RunDriver {
    const driver = this.activeDriver(name);
    if (driver === null) throw new UnknownRunError(name);
    return driver;
  }

  /**
   * Returns whether the result of a worker's current job would be accepted.
   *
   * @param key  of the rollout queue for an inference worker, of the gradient queue for a trainer
   */
  isWanted(role: string, key: string): boolean {
    const active = this.#active;
    const run = active?.record.config.name;
    if (active === null || !key.startsWith(`${run}/`)) return false;
    if (active.stop.signal.aborted) return false;
    const rest = key.slice(`${run}/`.length);
    if (role === "inference") return active.driver.sampling.isOpen({ groupKey: rest });
    const [plan = "", update, lane] = rest.split("/");
    return active.driver.lanes.isWanted({ plan, update: Number(update), lane: Number(lane) });
  }

  async #remove(record: RunRecord): Promise<number> {
    if (this.#active?.record === record) await this.#active.ended;
    return removeRun(record, this.#options, () => this.#records.delete(record.config.name));
  }

  async #create(config: RunConfig, options: CreateOptions): Promise<RunRecord> {
    const { replaced = null, allowOvercommit, forkOf } = options;
    const { name } = config;
    const { allowed, servers, hub, folder, background, logger } = this.#options;
    if (this.#unreadable.delete(name)) {
      // The folder may have been repaired or moved away since the last attempt.
      const record = await this.#open(name);
      const unreadable = this.#unreadable.get(name);
      if (unreadable !== undefined) throw unreadable;
      if (record !== null) {
        this.#records.set(name, record);
        return this.#resume(record, config, allowOvercommit);
      }
    }
    await hub.check(config);
    const located = hub.locate(config);
    await allowed.check(located);
    servers.check(located);
    const point =
      forkOf === undefined
        ? null
        : await findForkPoint(this.get(forkOf.run), forkOf.checkpoint, config);
    const hash = (file: string) => background.hashFile(file);
    const { inputs, billed, warnings } = await checkInputs(located, hash);
    await hub.checkBlobs(config, inputs);
    if (point !== null) checkSameModel(located, point, inputs);
    if (!allowOvercommit) checkMemory(billed, this.#options.fleet, hostname());
    for (const warning of warnings) logger.warn({ run: name }, warning);
    if (replaced !== null) await this.#remove(replaced);
    const path = join(folder, name);
    const record = await newRecord(path, { config, inputs, point }, this.#options);
    this.#records.set(name, record);
    this.#enqueue(name);
    return record;
  }

  #enqueue(name: string): void {
    if (this.#active?.record.config.name !== name) this.#waiting.add(this.get(name));
    this.#next();
  }

  #next(): void {
    if (this.#active !== null || this.#stopping) return;
    const record = this.#waiting.next;
    if (record === null) return;
    this.#waiting.delete(record);
    const stop = new AbortController();
    const wasRunning = record.state.status === "running";
    const previousEnd = wasRunning ? this.#previousEnd : null;
    if (wasRunning) this.#previousEnd = null;
    const startedAtMs = this.#options.clock.monotonicMs();
    const isPreempted = () => this.#isPreempted(record, startedAtMs);
    const driver = new RunDriver({ ...this.#options, record, previousEnd, isPreempted });
    const ended = this.#work(record, driver, stop.signal).finally(() => {
      this.#active = null;
      this.#next();
    });
    this.#active = { record, driver, stop, ended };
  }

  #isPreempted({ state }: RunRecord, startedAtMs: number): boolean {
    const { clock, sliceMs } = this.#options;
    const heldMs = clock.monotonicMs() - startedAtMs;
    return isPreempted(state, this.#waiting.next?.state ?? null, { heldMs, sliceMs });
  }

  async #work(record: RunRecord, driver: RunDriver, signal: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    const run = record.config.name;
    try {
      if ((await driver.run(signal)) === "done") {
        logger.info({ run }, "run is done");
        return;
      }
      logger.info({ run }, "run is paused: another one uses the workers");
      await removeJobs(run, this.#options);
      this.#waiting.add(record);
    } catch (error) {
      await recordEnd(record, error, this.#options);
    }
  }
}

/** Returns why a folder cannot be opened, without the folder's path where the message adds it. */
function reasonOf(error: unknown, folder: string): string {
  const message = errorMessage(error);
  return message.startsWith(`${folder}: `) ? message.slice(folder.length + 2) : message;
}
