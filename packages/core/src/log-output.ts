import { write, writeSync } from "node:fs";

/** Most buffered characters: beyond them lines are dropped. */
const MAX_WAITING = 4 * 2 ** 20;
/** Delay, in ms, before writing to a full pipe again. */
const RETRY_MS = 50;
/** pino's level of the line that counts dropped lines: a warning. */
const WARN_LEVEL = 40;

/** Lines that are written together. */
interface Batch {
  /** Bytes that are not written yet. */
  rest: Buffer;
  readonly numLines: number;
}

/**
 * Writes log lines to an open file asynchronously, and never fails: lines that cannot be written,
 * e.g. on a full disk, are dropped, and counted in a line once writing succeeds again.
 */
export class LogOutput {
  readonly #file: number;
  #waiting: string[] = [];
  #numWaiting = 0;
  /** The batch that is being written. */
  #batch: Batch | null = null;
  /** Whether a write call is in progress: the system completes it even if the process exits. */
  #isInHand = false;
  /** Lines dropped since the last line that counts them. */
  #numLost = 0;
  /** Why they were dropped. */
  #reason = "";
  /** Whether the last line in the file may lack its newline. */
  #isTorn = false;

  /** @param file  a file descriptor */
  constructor(file: number) {
    this.#file = file;
    process.on("exit", () => this.#flush());
  }

  /** Queues a line, which includes its newline. */
  write(line: string): void {
    if (this.#numWaiting + line.length > MAX_WAITING) {
      this.#lose(1, "the log was written too slowly");
      return;
    }
    this.#waiting.push(line);
    this.#numWaiting += line.length;
    if (this.#batch === null) this.#writeNext();
  }

  #writeNext(): void {
    this.#batch = this.#takeBatch();
    if (this.#batch !== null) this.#writeRest(this.#batch);
  }

  #takeBatch(): Batch | null {
    if (this.#waiting.length === 0) return null;
    const lines = [...(this.#isTorn ? ["\n"] : []), ...this.#describeLoss(), ...this.#waiting];
    // If this batch fails too, its lines and the ones that it counts as dropped are lost.
    const numLines = this.#waiting.length + this.#numLost;
    this.#numLost = 0;
    this.#waiting = [];
    this.#numWaiting = 0;
    return { rest: Buffer.from(lines.join("")), numLines };
  }

  #writeRest(batch: Batch): void {
    this.#isInHand = true;
    write(this.#file, batch.rest, (error, numBytes) => {
      this.#isInHand = false;
      if (error?.code === "EAGAIN") {
        setTimeout(() => this.#writeRest(batch), RETRY_MS);
        return;
      }
      if (error !== null) {
        this.#drop(batch, error);
        return;
      }
      this.#isTorn = true;
      batch.rest = batch.rest.subarray(numBytes);
      if (batch.rest.length > 0) {
        this.#writeRest(batch);
        return;
      }
      this.#isTorn = false;
      this.#writeNext();
    });
  }

  /** Drops a batch; the next line triggers the next attempt. */
  #drop({ numLines }: Batch, error: Error): void {
    this.#batch = null;
    this.#lose(numLines + this.#waiting.length, error.message);
    this.#waiting = [];
    this.#numWaiting = 0;
  }

  #lose(count: number, reason: string): void {
    this.#numLost += count;
    this.#reason = reason;
  }

  #describeLoss(): string[] {
    if (this.#numLost === 0) return [];
    const msg = `about ${this.#numLost} lines of this log are lost: ${this.#reason}`;
    const time = new Date().toISOString();
    return [`${JSON.stringify({ level: WARN_LEVEL, time, pid: process.pid, msg })}\n`];
  }

  /**
   * Writes the remaining lines synchronously when the process exits, as far as possible without
   * blocking.
   */
  #flush(): void {
    const rest = this.#isInHand ? null : (this.#batch?.rest ?? null);
    let left = Buffer.concat([rest ?? Buffer.alloc(0), Buffer.from(this.#waiting.join(""))]);
    this.#waiting = [];
    try {
      while (left.length > 0) left = left.subarray(writeSync(this.#file, left));
    } catch {
      // Best effort: the process is exiting.
    }
  }
}
