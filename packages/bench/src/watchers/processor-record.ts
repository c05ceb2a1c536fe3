import { readdirSync, readFileSync } from "node:fs";

const EVERY_MS = 50;
const NANOSECONDS_PER_SECOND = 1e9;

/** Samples the CPU time of another process, all its threads together. */
export class ProcessorRecord {
  readonly #samples: { readonly atMs: number; readonly seconds: number }[] = [];
  readonly #timer: NodeJS.Timeout;

  /** @param pid  null for a process that was not found */
  constructor(private readonly pid: number | null) {
    this.take();
    this.#timer = setInterval(() => this.take(), EVERY_MS);
  }

  /** Takes a sample. */
  take(): void {
    const seconds = this.pid === null ? null : processorSeconds(this.pid);
    if (seconds !== null) this.#samples.push({ atMs: Date.now(), seconds });
  }

  /**
   * Returns the CPU seconds used up to a time, in ms since the epoch; null outside of the samples.
   */
  readonly at = (atMs: number): number | null => {
    const next = this.#samples.findIndex((sample) => sample.atMs >= atMs);
    const after = this.#samples[next];
    const before = this.#samples[next - 1] ?? after;
    if (after === undefined || before === undefined) return null;
    const width = after.atMs - before.atMs;
    const share = width === 0 ? 1 : Math.max(0, atMs - before.atMs) / width;
    return before.seconds + share * (after.seconds - before.seconds);
  };

  /** Stops sampling. */
  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Returns the CPU time of a process's threads; null if the system does not report it. */
function processorSeconds(pid: number): number | null {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const nanoseconds = threads.map((thread) => {
      return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    });
    return nanoseconds.reduce((sum, one) => sum + one, 0) / NANOSECONDS_PER_SECOND;
  } catch {
    return null;
  }
}
