import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { type Clock, type Logger, writeDurably } from "@gumshoe/core";
import { RunConfig } from "@gumshoe/config";
import {
  FINAL_EVENTS,
  type RunEventBody,
  type RunEventOf,
  type RunInputs,
  type WatchedEvent,
} from "@gumshoe/protocol";

import type { BackgroundThread } from "../background/background-thread.js";
import type { SampledGroups } from "../background/calls.js";
import { CorruptRecordError, NotExpectedError } from "../errors.js";
import type { TrainingBatch } from "../learn/training-batch.js";
import { BlobStore } from "../ledger/blob-store.js";
import { EventHub } from "../ledger/event-hub.js";
import { Ledger, readLedger } from "../ledger/ledger.js";
import { isWritable } from "../ledger/ledger-line.js";
import type { HubInputs } from "../submission/hub-inputs.js";
import { sumsOf, summedIteration } from "./iteration-sums.js";
import { addToHealth } from "./run-health.js";
import { applyEvent, newRunState, type RunState } from "./run-state.js";
import { removeEmptyFolders, removeUnsubmitted } from "./unsubmitted-run.js";

/** Options that are shared by all records of a coordinator. */
export interface RecordContext {
  readonly clock: Clock;
  readonly mayWrite: () => Promise<void>;
  readonly background: BackgroundThread;
  /** Finds what a config names on the hub; default: it names nothing. */
  readonly hub?: HubInputs;
  /** Called with every event that is appended to a ledger. */
  readonly onEvent?: (body: RunEventBody) => void;
  /** Logs the run's warnings. */
  readonly logger?: Logger;
}

/** What the files of a run say, whether its coordinator runs or not. */
export type StoredRun = Pick<RunRecord, "config" | "located" | "folder" | "state">;

/**
 * Reads a run that a coordinator may be writing to; nothing is written.
 *
 * @throws CorruptRecordError, BrokenLedgerError; the system's error when there is no ledger
 */
export async function readStoredRun(
  folder: string,
  locate: (config: RunConfig) => RunConfig,
): Promise<StoredRun> {
  const events = await readLedger(join(folder, "ledger"));
  const [first] = events;
  if (first === undefined) throw new CorruptRecordError(folder, "its ledger has no event yet");
  const config = submittedConfig(folder, first.body);
  const state = newRunState();
  for (const event of events) applyEvent(state, event);
  return { config, located: locate(config), folder, state };
}

/** A run on disk: its folder, its ledger, its blobs, and the state derived from them. */
export class RunRecord {
  readonly config: RunConfig;
  /** The config with places in the hub's cache instead of names on the hub. */
  readonly located: RunConfig;
  readonly folder: string;
  readonly state: RunState;
  readonly events: EventHub;
  readonly blobs: BlobStore;
  /** Whether the run's end is recorded, or is being recorded. */
  #isEnding = false;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #background: BackgroundThread;
  readonly #logger: Logger | null;
  readonly #onEvent: (body: RunEventBody) => void;

  private constructor(parts: {
    config: RunConfig;
    folder: string;
    events: readonly WatchedEvent[];
    blobs: BlobStore;
    ledger: Ledger;
    context: RecordContext;
  }) {
    this.config = parts.config;
    this.located = parts.context.hub?.locate(parts.config) ?? parts.config;
    this.folder = parts.folder;
    this.blobs = parts.blobs;
    this.events = new EventHub(parts.events);
    this.#ledger = parts.ledger;
    this.#clock = parts.context.clock;
    this.#background = parts.context.background;
    this.#logger = parts.context.logger ?? null;
    this.#onEvent = parts.context.onEvent ?? (() => undefined);
    this.state = newRunState();
    for (const event of parts.events) this.#apply(event);
  }

  /**
   * Creates the record of a new run; `inputs` identifies what it reads by content.
   *
   * @throws CorruptRecordError when the folder holds a run already
   */
  static async create(
    folder: string,
    { config, inputs }: { config: RunConfig; inputs: RunInputs },
    context: RecordContext,
  ): Promise<RunRecord> {
    const { ledger, events } = await openNewLedger(folder, context);
    let isEmpty = false;
    try {
      if (events.length > 0) throw new CorruptRecordError(folder, "it holds a run already");
      await checkNoRemains(folder);
      isEmpty = true;
      await writeDurably(join(folder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
      const blobs = await BlobStore.open(blobFolder(folder));
      const record = new RunRecord({ config, folder, events, blobs, ledger, context });
      await record.append({ type: "run-submitted", config, inputs });
      return record;
    } catch (error) {
      // Before the ledger is closed: its lock keeps other processes away.
      if (isEmpty) await removeUnsubmitted(folder);
      await ledger.close();
      if (isEmpty) await removeEmptyFolders(folder, ["ledger", "blobs"]);
      throw error;
    }
  }

  /**
   * Opens the record of a run; null when the folder holds none, e.g. because its creation was
   * interrupted. Writes nothing to a folder that cannot be opened.
   *
   * @throws CorruptRecordError, LedgerInUseError
   */
  static async open(folder: string, context: RecordContext): Promise<RunRecord | null> {
    if (!(await hasLedger(folder))) {
      await checkNoRemains(folder);
      return null;
    }
    const { ledger, events } = await openLedger(folder, context);
    try {
      const [first] = events;
      if (first === undefined) {
        await checkNoRemains(folder);
        await ledger.close();
        return null;
      }
      const config = submittedConfig(folder, first.body);
      const blobs = await BlobStore.open(blobFolder(folder));
      return new RunRecord({ config, folder, events, blobs, ledger, context });
    } catch (error) {
      await ledger.close();
      throw error;
    }
  }

  /** The time now, as its events are dated. */
  get nowMs(): number {
    return this.#clock.now();
  }

  get hasEnded(): boolean {
    return this.state.status !== "queued" && this.state.status !== "running";
  }

  /**
   * Records an event, and the warnings that follow from it. After the end of a run only its next
   * submission is recorded: a result that arrives late would hide the end from watchers.
   *
   * @throws NotExpectedError after the end of the run
   */
  async append(body: RunEventBody): Promise<void> {
    if (body.type === "run-submitted") this.#isEnding = false;
    else if (this.#isEnding) throw new NotExpectedError(`run ${this.config.name}, after its end`);
    if (FINAL_EVENTS.includes(body.type)) this.#isEnding = true;
    await this.#append(body);
    for (const warning of this.state.health.due.splice(0)) {
      const run = this.config.name;
      this.#logger?.warn({ run, code: warning.code }, warning.message);
      await this.#append(warning);
    }
  }

  /** Records an event: on disk first, then in the state, then for watchers. */
  async #append(body: RunEventBody): Promise<void> {
    const event = await this.#ledger.append(body);
    this.#apply(event);
    this.events.publish(event);
    this.#onEvent(body);
  }

  #apply(event: WatchedEvent): void {
    const { state, config } = this;
    applyEvent(state, event);
    const iteration = summedIteration(event.body, state.iterationsDone);
    addToHealth(state.health, event.body, { config, iteration, sums: sumsOf(state, iteration) });
  }

  /**
   * Records the end of the run. If it cannot be recorded, e.g. on a full disk, watchers still
   * receive it, and the next coordinator resumes the run.
   *
   * @returns the error that prevented recording; null for none
   */
  async end(body: RunEventOf<"run-failed" | "run-stuck" | "run-cancelled">): Promise<unknown> {
    try {
      await this.append(body);
      return null;
    } catch (error) {
      const event = { number: 0, atMs: this.#clock.now(), body };
      applyEvent(this.state, event);
      this.events.publish(event);
      return error;
    }
  }

  /** Stores a blob under its SHA-256; resolves once it is on disk. */
  keep(bytes: Uint8Array, name: string): Promise<void> {
    return this.#background.writeBlob(blobFolder(this.folder), name, bytes);
  }

  /** Computes the SHA-256 of a file. */
  hash(file: string): Promise<string> {
    return this.#background.hashFile(file);
  }

  /** Plans the updates of an iteration from groups whose blobs this run keeps. */
  planUpdates(groups: Omit<SampledGroups, "folder">): Promise<TrainingBatch> {
    return this.#background.planUpdates({ ...groups, folder: blobFolder(this.folder) });
  }

  /**
   * Sends watchers an event that is not stored; an event that does not fit the schema is dropped.
   */
  emit(body: RunEventBody): void {
    if (!isWritable(body)) return;
    this.events.publish({ number: 0, atMs: this.#clock.now(), body });
  }

  close(): Promise<void> {
    return this.#ledger.close();
  }
}

function blobFolder(runFolder: string): string {
  return join(runFolder, "blobs");
}

function openLedger(runFolder: string, { clock, mayWrite }: RecordContext) {
  return Ledger.open({ folder: join(runFolder, "ledger"), clock, mayWrite });
}

/** Opens the ledger of a run to be created. If that fails, its folder does not stay behind empty. */
async function openNewLedger(folder: string, context: RecordContext) {
  try {
    await mkdir(folder, { recursive: true });
    return await openLedger(folder, context);
  } catch (error) {
    await removeEmptyFolders(folder, ["ledger"]);
    throw error;
  }
}

async function hasLedger(runFolder: string): Promise<boolean> {
  try {
    if ((await stat(join(runFolder, "ledger", "events.jsonl"))).isFile()) return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  throw new CorruptRecordError(runFolder, "ledger/events.jsonl is no file");
}

/** Rejects files that only a started run writes, so that a new run does not adopt them. */
async function checkNoRemains(runFolder: string): Promise<void> {
  for (const name of ["checkpoints", "rollouts", "blobs"]) {
    const names = await readdir(join(runFolder, name)).catch(() => []);
    if (names.length === 0) continue;
    throw new CorruptRecordError(runFolder, `it has ${name} and no ledger`);
  }
}

/** Reads the config that a run began with. @throws CorruptRecordError */
function submittedConfig(folder: string, body: RunEventBody): RunConfig {
  if (body.type !== "run-submitted") {
    throw new CorruptRecordError(folder, `its ledger begins with ${body.type}, not run-submitted`);
  }
  const parsed = RunConfig.safeParse(body.config);
  if (!parsed.success) {
    throw new CorruptRecordError(folder, "its config is of another version of Gumshoe");
  }
  return parsed.data;
}
