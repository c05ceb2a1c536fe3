import { closeSync, openSync, readSync } from "node:fs";

const NANOSECONDS_PER_MS = 1e6;
/** Three numbers, of at most twenty digits each. */
const MAX_BYTES = 64;
/** Of the main thread: time on a core and time in the queue for one, in ns, and turns on a core. */
const FILE = "/proc/self/schedstat";

/**
 * Tells how long the main thread of this process could have run, but waited for a core: the system
 * counts it. Only Linux does, and not everywhere.
 */
export class CoreWait {
  readonly #file: number | null;
  readonly #bytes = Buffer.alloc(MAX_BYTES);

  constructor(path = FILE) {
    this.#file = openOrNull(path);
  }

  /** Time waited for a core since the process began, in ms; 0 where the system does not tell. */
  readMs(): number {
    if (this.#file === null) return 0;
    const length = readSync(this.#file, this.#bytes, 0, MAX_BYTES, 0);
    const waited = this.#bytes.toString("latin1", 0, length).split(" ")[1];
    return Number(waited ?? 0) / NANOSECONDS_PER_MS;
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
  }
}

function openOrNull(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch {
    return null;
  }
}
