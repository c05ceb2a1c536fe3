import { getPriority, setPriority } from "node:os";

/**
 * Lets other programs of this machine have a core first. On Linux this holds for the calling thread and those
 * that it starts afterwards; a process that already stands further back stays there.
 *
 * @param nice 0 (as any other program) to 19 (only what nobody else wants)
 */
export function yieldCores(nice: number): void {
  if (getPriority() < nice) setPriority(nice);
}
