/**
 * A run's record: append-only, one JSON line per event, each with a checksum.
 *
 * - An event is durable once its line is synced; `append` resolves then and not before.
 * - An event that would not be read back is rejected before anything is written.
 * - Events that are appended in one event-loop iteration share one sync.
 * - A crash may tear the last line, which then has no newline: it is truncated. Any other damaged
 *   line is an error, because its event was acknowledged.
 * - A failed write is truncated: the next one begins at the end of the last good line.
 * - At most one process has a ledger open, and only once: a lock file beside it enforces that.
 * - A file that was moved away or replaced while open accepts no more events.
 */
import { type FileHandle, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import {
  type Clock,
  errorMessage,
  FolderAwayError,
  LockHeldError,
  ProcessLock,
  syncFolder,
  TimeSlice,
  WriteFailedError,
} from "@gumshoe/core";
import type { RunEventBody, WatchedEvent } from "@gumshoe/protocol";

import { BrokenLedgerError, LedgerInUseError } from "../errors.js";
import {
  formatLine,
  hasChecksum,
  parseLine,
  type WritableEvent,
  writableEvent,
} from "./ledger-line.js";

/** Interval, in ms, of the check that the open file is still the one at its path. */
const CHECK_PLACE_MS = 1000;

interface Waiting {
  readonly atMs: number;
  readonly event: WritableEvent;
  readonly resolve: (event: WatchedEvent) => void;
  readonly reject: (error: unknown) => void;
}

/** Options for opening a ledger. */
export interface LedgerOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Awaited before every write: the fence that makes this process the only writer. */
  readonly mayWrite: () => Promise<void>;
}

interface LedgerState {
  readonly file: string;
  readonly handle: FileHandle;
  readonly lock: ProcessLock;
  readonly next: number;
  readonly goodBytes: number;
}

/** An open ledger. */
export class Ledger {
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #lock: ProcessLock;
  readonly #options: LedgerOptions;
  readonly #waiting: Waiting[] = [];
  #next: number;
  /** Length of the file up to its last good line. */
  #goodBytes: number;
  /** Whether a failed write may have left bytes behind. */
  #torn = false;
  #writing: Promise<void> | null = null;
  #placeCheckedAtMs = Number.NEGATIVE_INFINITY;

  private constructor(options: LedgerOptions, state: LedgerState) {
    this.#options = options;
    this.#file = state.file;
    this.#handle = state.handle;
    this.#lock = state.lock;
    this.#next = state.next;
    this.#goodBytes = state.goodBytes;
  }

  /**
   * Opens a ledger, creating the file if it does not exist, and returns its events.
   *
   * @throws LedgerInUseError; BrokenLedgerError naming file, line and reason, after closing the
   *   file
   */
  static async open(options: LedgerOptions): Promise<{ ledger: Ledger; events: WatchedEvent[] }> {
    await mkdir(options.folder, { recursive: true });
    const lock = takeLock(options.folder);
    try {
      return await openLocked(options, lock, (state) => new Ledger(options, state));
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /**
   * Appends an event; resolves once it is on disk, with the event as it will be read back.
   *
   * @throws UnwritableEventError, WriteFailedError
   */
  async append(body: RunEventBody): Promise<WatchedEvent> {
    const event = writableEvent(body);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ atMs: this.#options.clock.now(), event, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  /** Waits for pending appends, and closes the file. */
  async close(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    await this.#handle.close();
    this.#lock.release();
  }

  async #write(): Promise<void> {
    // Wait one microtask: events appended in the same event-loop iteration go into the same batch.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      const first = this.#next;
      try {
        await this.#options.mayWrite();
        const lines = batch.map(({ atMs, event }, i) => formatLine(first + i, atMs, event));
        await this.#store(lines.join(""));
        this.#next += batch.length;
        await settle(batch, first);
      } catch (error) {
        const failure = new WriteFailedError(this.#file, errorMessage(error), error);
        for (const { reject } of batch) reject(failure);
      }
    }
    this.#writing = null;
  }

  async #store(text: string): Promise<void> {
    await this.#checkPlace();
    if (this.#torn) await this.#handle.truncate(this.#goodBytes);
    this.#torn = true;
    const bytes = Buffer.from(text);
    await this.#handle.appendFile(bytes);
    await this.#handle.datasync();
    this.#goodBytes += bytes.length;
    this.#torn = false;
  }

  /**
   * Fails if the file was moved or removed: writes to the open descriptor would succeed, and be
   * lost.
   */
  async #checkPlace(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#placeCheckedAtMs < CHECK_PLACE_MS) return;
    const [atPlace, opened] = await Promise.all([stat(this.#file), this.#handle.stat()]);
    if (atPlace.ino !== opened.ino || atPlace.dev !== opened.dev) {
      throw new FolderAwayError(this.#options.folder, "its ledger is not the file that was opened");
    }
    this.#placeCheckedAtMs = nowMs;
  }
}

function takeLock(folder: string): ProcessLock {
  try {
    return ProcessLock.take(join(folder, "ledger.lock"));
  } catch (error) {
    if (error instanceof LockHeldError) throw new LedgerInUseError(folder, error.pid);
    throw error;
  }
}

async function openLocked(
  { folder }: LedgerOptions,
  lock: ProcessLock,
  make: (state: LedgerState) => Ledger,
): Promise<{ ledger: Ledger; events: WatchedEvent[] }> {
  const file = join(folder, "events.jsonl");
  const handle = await open(file, "a");
  try {
    const text = await readFile(file, "utf8");
    const { events, goodBytes } = await readLines(file, text);
    if (goodBytes < Buffer.byteLength(text)) await handle.truncate(goodBytes);
    if (goodBytes === 0) await syncNames(folder);
    return { ledger: make({ file, handle, lock, next: events.length + 1, goodBytes }), events };
  } catch (error) {
    // Not a ledger yet: an empty file would stay behind in a folder that holds no run.
    const { size } = await handle.stat().catch(() => ({ size: null }));
    await handle.close();
    if (size === 0) await rm(file, { force: true }).catch(() => undefined);
    throw error;
  }
}

/**
 * Reads the events of a ledger, which another process may be appending to. A line that is being written is left out.
 *
 * @throws BrokenLedgerError; the system's error when there is no file
 */
export async function readLedger(folder: string): Promise<readonly WatchedEvent[]> {
  const file = join(folder, "events.jsonl");
  return (await readLines(file, await readFile(file, "utf8"))).events;
}

/** Syncs the directories that hold a new ledger: its own and those above it may be new as well. */
async function syncNames(folder: string): Promise<void> {
  await syncFolder(folder);
  await syncFolder(dirname(folder));
  await syncFolder(dirname(dirname(folder)));
}

/** Resolves a batch in order, and yields to the event loop between the continuations. */
async function settle(batch: readonly Waiting[], first: number): Promise<void> {
  const slice = new TimeSlice();
  for (const [i, { atMs, event, resolve }] of batch.entries()) {
    resolve({ number: first + i, atMs, body: event.body });
    await slice.yieldWhenOver();
  }
}

async function readLines(
  file: string,
  text: string,
): Promise<{ events: WatchedEvent[]; goodBytes: number }> {
  const slice = new TimeSlice();
  const events: WatchedEvent[] = [];
  let goodBytes = 0;
  const lines = text.split("\n");
  const tail = lines.pop() ?? "";
  for (const line of lines) {
    const number = events.length + 1;
    const parsed = parseLine(line, number);
    if (parsed.event === null) throw new BrokenLedgerError(file, number, parsed.reason);
    events.push(parsed.event);
    await slice.yieldWhenOver();
    goodBytes += Buffer.byteLength(line) + 1;
  }
  // A crash leaves only the beginning of a line. A full line with another ending was changed later.
  if (hasChecksum(tail.slice(0, -1))) {
    throw new BrokenLedgerError(file, events.length + 1, "its end was overwritten");
  }
  return { events, goodBytes };
}
