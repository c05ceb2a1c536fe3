import { readdirSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** Linux has a priority per thread; a new thread inherits its creator's. */
const THREADS = "/proc/self/task";

/**
 * Lowers the scheduling priority of all threads of this process, including those of the garbage
 * collector; new threads inherit it. Threads with a lower priority keep theirs.
 *
 * @param nice  0 (normal) to 19 (lowest)
 */
export function yieldCores(nice: number): void {
  const threads = process.platform === "linux" ? readdirSync(THREADS).map(Number) : [process.pid];
  for (const thread of threads) {
    if (getPriority(thread) < nice) setPriority(thread, nice);
  }
}
