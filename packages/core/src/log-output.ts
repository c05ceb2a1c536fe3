import { write, writeSync } from "node:fs";

/** Longest text that waits to be written, in characters: a log that cannot keep up loses lines. */
const MAX_WAITING = 4 * 2 ** 20;
/** Wait before a pipe without room is tried again, in ms. */
const RETRY_MS = 50;
/** Level of the line that counts lost ones: a warning. */
const WARN_LEVEL = 40;

/** Lines that are written in one go. */
interface Batch {
  /** What is not written yet. */
  rest: Buffer;
  readonly numLines: number;
}

/**
 * Writes the lines of a log to an open file, without keeping the process from its work, and without ever
 * failing: lines that cannot be written, as on a full disk, are dropped, and counted in a line once there is
 * room again.
 */
export class LogOutput {
  readonly #file: number;
  #waiting: string[] = [];
  #numWaiting = 0;
  /** What is being written, and what is left of it. */
  #batch: Batch | null = null;
  /** Whether the system has it in hand: it ends that even when the process ends. */
  #isInHand = false;
  /** Lines that were dropped since the last line that counts them. */
  #numLost = 0;
  /** Why they were lost. */
  #reason = "";
  /** Whether the last line in the file may have no end. */
  #isTorn = false;

  /** @param file  a file descriptor */
  constructor(file: number) {
    this.#file = file;
    process.on("exit", () => this.#flush());
  }

  /** Takes a line with its end. */
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
    // Where this batch is lost too, its lines and those that it tells of are.
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

  /** The next line is the next try. */
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

  /** Writes what is left when the process ends, where it can be written at once. */
  #flush(): void {
    const rest = this.#isInHand ? null : (this.#batch?.rest ?? null);
    let left = Buffer.concat([rest ?? Buffer.alloc(0), Buffer.from(this.#waiting.join(""))]);
    this.#waiting = [];
    try {
      while (left.length > 0) left = left.subarray(writeSync(this.#file, left));
    } catch {
      // The process ends; its log is not worth a wait.
    }
  }
}
