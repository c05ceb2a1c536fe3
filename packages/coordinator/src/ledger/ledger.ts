/**
 * A run's record: append-only, one JSON line per event, each with a checksum.
 *
 * - An event counts once its line is synced; `append` resolves then and not before.
 * - Events that are appended in one turn share one sync.
 * - The last line may be torn by a crash: it is cut off. A broken line before it is an error.
 * - A write that failed leaves nothing behind: the next one begins where the last good one ended.
 */
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, truncate } from "node:fs/promises";
import { join } from "node:path";

import { type Clock, errorMessage, Turns } from "@gumshoe/core";
import { RunEventBody, type WatchedEvent } from "@gumshoe/protocol";

import { CorruptRecordError, WriteFailedError } from "../errors.js";

interface Line {
  readonly n: number;
  readonly at: number;
  readonly body: RunEventBody;
}

interface Waiting {
  readonly atMs: number;
  readonly body: RunEventBody;
  readonly resolve: (event: WatchedEvent) => void;
  readonly reject: (error: unknown) => void;
}

/** What a ledger is opened with. */
export interface LedgerOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Waited for before every write: the fence that makes this process the only writer. */
  readonly mayWrite: () => Promise<void>;
}

/** An open ledger. */
export class Ledger {
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #options: LedgerOptions;
  readonly #waiting: Waiting[] = [];
  #next: number;
  /** Length of the file up to its last good line. */
  #goodBytes: number;
  /** Whether a write that failed may have left something behind. */
  #torn = false;
  #writing: Promise<void> | null = null;

  private constructor(
    options: LedgerOptions,
    state: { file: string; handle: FileHandle; next: number; goodBytes: number },
  ) {
    this.#options = options;
    this.#file = state.file;
    this.#handle = state.handle;
    this.#next = state.next;
    this.#goodBytes = state.goodBytes;
  }

  /**
   * Opens a ledger, creating it when it is not there, and returns what it holds.
   *
   * @throws CorruptRecordError naming the line
   */
  static async open(options: LedgerOptions): Promise<{ ledger: Ledger; events: WatchedEvent[] }> {
    await mkdir(options.folder, { recursive: true });
    const file = join(options.folder, "events.jsonl");
    const handle = await open(file, "a");
    const text = await readFile(file, "utf8");
    const { events, goodBytes } = await readLines(file, text);
    if (goodBytes < Buffer.byteLength(text)) await truncate(file, goodBytes);
    const ledger = new Ledger(options, { file, handle, next: events.length + 1, goodBytes });
    return { ledger, events };
  }

  /** Appends an event; resolves when it is on disk. @throws WriteFailedError */
  append(body: RunEventBody): Promise<WatchedEvent> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ atMs: this.#options.clock.now(), body, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  /** Waits for what was appended, and closes the file. */
  async close(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    await this.#handle.close();
  }

  async #write(): Promise<void> {
    // What is appended in the same turn goes into the same batch.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      const events = batch.map(({ atMs, body }, i) => ({ number: this.#next + i, atMs, body }));
      try {
        await this.#options.mayWrite();
        await this.#store(events.map(formatLine).join(""));
        this.#next += events.length;
        await tell(batch, events);
      } catch (error) {
        const failure = new WriteFailedError(this.#file, errorMessage(error), error);
        for (const { reject } of batch) reject(failure);
      }
    }
    this.#writing = null;
  }

  async #store(text: string): Promise<void> {
    if (this.#torn) await this.#handle.truncate(this.#goodBytes);
    this.#torn = true;
    const bytes = Buffer.from(text);
    await this.#handle.appendFile(bytes);
    await this.#handle.datasync();
    this.#goodBytes += bytes.length;
    this.#torn = false;
  }
}

/** Resolves a batch in its order. What each of those who wait does next takes time: in turns. */
async function tell(batch: readonly Waiting[], events: readonly WatchedEvent[]): Promise<void> {
  const turns = new Turns();
  for (const [i, { resolve }] of batch.entries()) {
    resolve(events[i] as WatchedEvent);
    await turns.next();
  }
}

function formatLine({ number, atMs, body }: WatchedEvent): string {
  const text = JSON.stringify({ n: number, at: atMs, body } satisfies Line);
  return `${checksum(text)} ${text}\n`;
}

async function readLines(
  file: string,
  text: string,
): Promise<{ events: WatchedEvent[]; goodBytes: number }> {
  const turns = new Turns();
  const events: WatchedEvent[] = [];
  let goodBytes = 0;
  const lines = text.split("\n");
  const last = lines.length - 1;
  for (const [index, line] of lines.entries()) {
    if (index === last) break;
    const event = parseLine(line, events.length + 1);
    if (event === null) {
      // Only the very last line may be torn.
      if (index === last - 1) break;
      throw new CorruptRecordError(file, `line ${index + 1} is broken`);
    }
    events.push(event);
    await turns.next();
    goodBytes += Buffer.byteLength(line) + 1;
  }
  return { events, goodBytes };
}

function parseLine(line: string, number: number): WatchedEvent | null {
  const space = line.indexOf(" ");
  const text = line.slice(space + 1);
  if (space < 0 || checksum(text) !== line.slice(0, space)) return null;
  const { n, at, body } = JSON.parse(text) as Line;
  const parsed = RunEventBody.safeParse(body);
  if (n !== number || !parsed.success) return null;
  return { number, atMs: at, body: parsed.data };
}

/** Enough to notice a torn or overwritten line. */
function checksum(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
