import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

import {
  type Clock,
  ClusterError,
  diskError,
  DiskFullError,
  errorMessage,
  hashJson,
  isDiskError,
  type Logger,
  type Tls,
} from "@gumshoe/core";
import { type RunConfig, RunName } from "@gumshoe/config";
import { type RunInputs } from "@gumshoe/protocol";
import { type JobQueue } from "@gumshoe/queue";

import {
  CorruptRecordError,
  NameTakenError,
  RunStoppedError,
  RunStuckError,
  UnknownRunError,
  UnreadableRunError,
} from "../errors.js";
import { type Fleet } from "../fleet/fleet.js";
import { type DiskThread } from "../ledger/disk-thread.js";
import { type AllowedFolders } from "../submission/allowed-folders.js";
import { configDifferences, describeDifferences } from "../submission/config-differences.js";
import { type HubModels } from "../submission/hub-models.js";
import { NameLocks } from "./name-locks.js";
import { RunDriver } from "./run-driver.js";
import { checkFilesThere, deleteLeftovers, isRemoved } from "./run-folder.js";
import { checkInputs, checkUnchanged } from "../submission/run-inputs.js";
import { RunRecord } from "./run-record.js";
import { checkRemovable, removeRun } from "./run-removal.js";

/** Between two tries to open a run on a full disk, in ms. */
const DISK_POLL_MS = 1000;

/** What the manager works with. */
export interface ManagerOptions {
  /** Folder that holds one folder per run. */
  readonly folder: string;
  readonly fleet: Fleet;
  readonly rolloutQueue: JobQueue<"rollout">;
  readonly gradientQueue: JobQueue<"gradient">;
  readonly token: string;
  readonly tls: Tls;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly mayWrite: () => Promise<void>;
  readonly disk: DiskThread;
  /** Where configs may name files. */
  readonly allowed: AllowedFolders;
  /** Where models of the hub are. */
  readonly models: HubModels;
  /** How long a run waits for room on a full disk, or for a folder that is away. */
  readonly diskWaitMs: number;
  /** How the coordinator that worked on the first run in hand ended; null where it did not die. */
  readonly previousEnd: string | null;
  /** What is wrong with Redis, for people; null while it does its work. */
  readonly redisProblem: () => string | null;
}

interface Active {
  readonly record: RunRecord;
  readonly driver: RunDriver;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Holds all runs, and works on one at a time, in the order of their submission. */
export class RunManager {
  readonly #options: ManagerOptions;
  readonly #records = new Map<string, RunRecord>();
  readonly #unreadable = new Map<string, UnreadableRunError>();
  /** Submits and removals of a name come one after the other. */
  readonly #locks = new NameLocks();
  readonly #queue: string[] = [];
  #active: Active | null = null;
  #stopping = false;
  #previousEnd: string | null;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#previousEnd = options.previousEnd;
  }

  /** Opens the runs on disk. One that cannot be opened keeps its name, and says why. */
  async load(): Promise<void> {
    const { folder, logger } = this.#options;
    await mkdir(folder, { recursive: true });
    await deleteLeftovers(folder, logger);
    const records: RunRecord[] = [];
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      // A link may lead to a run on another disk.
      if (isRemoved(entry.name)) continue;
      if (!entry.isDirectory() && !entry.isSymbolicLink()) continue;
      const record = await this.#open(entry.name);
      if (record !== null) records.push(record);
    }
    records.sort((a, b) => a.state.submittedAtMs - b.state.submittedAtMs);
    for (const record of records) {
      this.#records.set(record.config.name, record);
      if (!record.hasEnded) this.#queue.push(record.config.name);
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
        // Nothing that could be submitted: a folder of the file system, or of a user.
        if (!RunName.safeParse(name).success) return null;
        const error = diskError(thrown, folder) ?? thrown;
        if (error instanceof DiskFullError && clock.monotonicMs() < giveUpAtMs) {
          logger.warn({ run: name }, `waiting for the disk: ${error.message}`);
          await clock.sleep(DISK_POLL_MS);
          continue;
        }
        const unreadable = new UnreadableRunError(name, folder, reasonOf(error, folder));
        logger.error({ run: name }, unreadable.message);
        this.#unreadable.set(name, unreadable);
        return null;
      }
    }
  }

  /** @throws CorruptRecordError when the folder holds a run of another name, e.g. a copy */
  async #openNamed(name: string, folder: string): Promise<RunRecord | null> {
    const record = await RunRecord.open(folder, this.#options);
    if (record === null || record.config.name === name) return record;
    await record.close();
    throw new CorruptRecordError(folder, `its ledger is that of run ${record.config.name}`);
  }

  /** Goes on with the runs that had not ended, and takes new ones. */
  start(): void {
    this.#next();
  }

  /** Stops the run in hand where it is; its ledger is enough to go on. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#active?.stop.abort(new RunStoppedError("shutdown"));
    await this.#active?.ended;
    await Promise.all([...this.#records.values()].map((record) => record.close()));
  }

  /**
   * Takes a run, or takes it up again. Idempotent by name and config.
   *
   * @param replacesSubmittedAtMs  replaces the run of that name that was submitted then; default: none
   * @throws NameTakenError, UnreadableRunError, InputChangedError, RunFilesGoneError, RunNotEndedError,
   *         RunInUseError, and what is wrong with the files that a run starts from
   */
  submit(config: RunConfig, replacesSubmittedAtMs?: number): Promise<RunRecord> {
    return this.#locks.run(config.name, () => this.#submit(config, replacesSubmittedAtMs));
  }

  async #submit(config: RunConfig, replacesSubmittedAtMs?: number): Promise<RunRecord> {
    const { name } = config;
    const known = this.#records.get(name);
    if (known === undefined) return this.#create(config);
    if (known.state.submittedAtMs === replacesSubmittedAtMs) {
      checkRemovable(known, this.list(), config);
      return this.#create(config, known);
    }
    return this.#resume(known, config);
  }

  async #resume(known: RunRecord, config: RunConfig): Promise<RunRecord> {
    const { name } = config;
    if (known.hasEnded) await checkFilesThere(known);
    if (hashJson(known.config) !== hashJson(config)) {
      throw new NameTakenError(name, describeDifferences(configDifferences(known.config, config)));
    }
    if (["cancelled", "failed", "stuck"].includes(known.state.status)) {
      await checkUnchanged(known);
      // Recorded, so that a watcher does not take the end of before for the end.
      await known.append({ type: "run-submitted", config });
    }
    if (known.state.status !== "done") this.#enqueue(name);
    return known;
  }

  /** Stops a run that has not ended. */
  async cancel(name: string): Promise<RunRecord> {
    const record = this.get(name);
    if (this.#active?.record === record) {
      this.#active.stop.abort(new RunStoppedError("cancelled"));
      await this.#active.ended;
    } else if (this.#queue.includes(name)) {
      this.#queue.splice(this.#queue.indexOf(name), 1);
      this.#report(name, await record.end({ type: "run-cancelled" }));
    }
    return record;
  }

  /**
   * Removes a run that has ended, with all its files.
   *
   * @returns bytes on disk that are free again
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

  /** All runs, the newest first. */
  list(): RunRecord[] {
    return [...this.#records.values()].sort(
      (a, b) => b.state.submittedAtMs - a.state.submittedAtMs,
    );
  }

  /** What a run that is being worked on waits for, in words; null for nothing. */
  waitingFor(name: string): string | null {
    return this.#active?.record.config.name === name ? this.#active.driver.waitingFor : null;
  }

  /** The driver of a run that is being worked on. @throws UnknownRunError */
  driver(name: string): RunDriver {
    if (this.#active?.record.config.name !== name) throw new UnknownRunError(name);
    return this.#active.driver;
  }

  /**
   * Says whether the result of a job that a worker has in hand would be taken.
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

  async #create(config: RunConfig, replaced: RunRecord | null = null): Promise<RunRecord> {
    const { name } = config;
    const { allowed, models, folder, disk, logger } = this.#options;
    if (this.#unreadable.delete(name)) {
      // Its folder may have been mended or moved away since.
      const record = await this.#open(name);
      const unreadable = this.#unreadable.get(name);
      if (unreadable !== undefined) throw unreadable;
      if (record !== null) {
        this.#records.set(name, record);
        return this.#resume(record, config);
      }
    }
    await models.check(config);
    const located = models.locate(config);
    await allowed.check(located);
    const { inputs, warnings } = await checkInputs(located, (file) => disk.hash(file));
    await models.checkBlobs(config, inputs);
    for (const warning of warnings) logger.warn({ run: name }, warning);
    if (replaced !== null) await this.#remove(replaced);
    const path = join(folder, name);
    const record = await this.#newRecord(path, { config, inputs });
    this.#records.set(name, record);
    this.#enqueue(name);
    return record;
  }

  async #newRecord(path: string, content: { config: RunConfig; inputs: RunInputs }) {
    try {
      return await RunRecord.create(path, content, this.#options);
    } catch (error) {
      throw diskError(error, path) ?? error;
    }
  }

  #enqueue(name: string): void {
    if (!this.#queue.includes(name) && this.#active?.record.config.name !== name) {
      this.#queue.push(name);
    }
    this.#next();
  }

  #next(): void {
    if (this.#active !== null || this.#stopping) return;
    const name = this.#queue.shift();
    if (name === undefined) return;
    const record = this.get(name);
    const stop = new AbortController();
    const wasRunning = record.state.status === "running";
    const previousEnd = wasRunning ? this.#previousEnd : null;
    this.#previousEnd = null;
    const driver = new RunDriver({ ...this.#options, record, previousEnd });
    const ended = this.#work(record, driver, stop.signal).finally(() => {
      this.#active = null;
      this.#next();
    });
    this.#active = { record, driver, stop, ended };
  }

  async #work(record: RunRecord, driver: RunDriver, signal: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    const run = record.config.name;
    try {
      await driver.run(signal);
      logger.info({ run }, "run is done");
    } catch (error) {
      await this.#recordEnd(record, error);
    }
  }

  #report(run: string, failure: unknown): void {
    if (failure === null) return;
    const problem = `the end of the run cannot be recorded: ${errorMessage(failure)}`;
    this.#options.logger.error({ run }, problem);
  }

  async #recordEnd(record: RunRecord, error: unknown): Promise<void> {
    const { logger, rolloutQueue, gradientQueue } = this.#options;
    const run = record.config.name;
    if (error instanceof RunStoppedError) {
      logger.info({ run }, error.message);
      // The next coordinator wants its jobs.
      if (error.reason === "shutdown") return;
      this.#report(run, await record.end({ type: "run-cancelled" }));
    } else if (error instanceof RunStuckError) {
      const { role, deaths, lastCause: cause, message } = error;
      logger.error({ run, role, deaths, cause }, `run is ${message}`);
      const end = { type: "run-stuck", role, deaths, cause, error: message } as const;
      this.#report(run, await record.end(end));
    } else {
      const code = error instanceof ClusterError ? error.code : "INTERNAL";
      const known = error instanceof ClusterError && isDiskError(error);
      logger.error(known ? { run } : { run, err: error }, `run failed: ${errorMessage(error)}`);
      this.#report(run, await record.end({ type: "run-failed", error: errorMessage(error), code }));
    }
    await Promise.all([rolloutQueue.removeRun(run), gradientQueue.removeRun(run)]).catch(
      () => undefined,
    );
  }
}

/** Why a folder cannot be opened, without its name where that is said anyway. */
function reasonOf(error: unknown, folder: string): string {
  const message = errorMessage(error);
  return message.startsWith(`${folder}: `) ? message.slice(folder.length + 2) : message;
}
