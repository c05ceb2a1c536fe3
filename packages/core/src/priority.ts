import { readdirSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** Linux keeps a priority for each thread, and gives a new one that of its maker. */
const THREADS = "/proc/self/task";

/**
 * Lets other programs of this machine have a core first, in all threads of this process, those of the garbage
 * collector too, and in those that will be. What already stands further back stays there.
 *
 * @param nice 0 (as any other program) to 19 (only what nobody else wants)
 */
export function yieldCores(nice: number): void {
  const threads = process.platform === "linux" ? readdirSync(THREADS).map(Number) : [process.pid];
  for (const thread of threads) {
    if (getPriority(thread) < nice) setPriority(thread, nice);
  }
}
