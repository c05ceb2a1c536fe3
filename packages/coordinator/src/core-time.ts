import { closeSync, openSync, readSync } from "node:fs";

const NANOSECONDS_PER_MS = 1e6;
/** Three numbers, of at most twenty digits each. */
const MAX_BYTES = 64;
/** Of the main thread: time on a core and time in the queue for one, in ns, and turns on a core. */
const FILE = "/proc/self/schedstat";

/** Since the process began, in ms. */
export interface CoreTimes {
  /** Time on a core; without what a hypervisor took from the core, where the system knows. */
  readonly ranMs: number;
  /** Time that the thread could have run, but waited for a core. */
  readonly waitedMs: number;
}

/** Tells how long the main thread of this process ran and waited: the system counts both. */
export class CoreTime {
  readonly #file: number | null;
  readonly #bytes = Buffer.alloc(MAX_BYTES);

  constructor(path = FILE) {
    this.#file = openOrNull(path);
  }

  /** Returns null where the system does not tell: only Linux does, and not everywhere. */
  read(): CoreTimes | null {
    if (this.#file === null) return null;
    const length = readSync(this.#file, this.#bytes, 0, MAX_BYTES, 0);
    const [ran, waited] = this.#bytes.toString("latin1", 0, length).split(" ").map(Number);
    return { ranMs: (ran ?? 0) / NANOSECONDS_PER_MS, waitedMs: (waited ?? 0) / NANOSECONDS_PER_MS };
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
