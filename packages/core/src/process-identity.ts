import { readFileSync } from "node:fs";

/** A process that has ended and was not waited for by its parent. */
const ENDED_STATES = ["Z", "X"];
/** Fields of /proc/PID/stat, counted behind the process' name. */
const STATE_FIELD = 0;
const START_FIELD = 19;
/** The system's numbers of processes are of 32 bits with a sign; Linux stays below 2^22. */
const MAX_PID = 2 ** 31 - 1;

/**
 * Returns when a process began: the machine's boot and the ticks since then, e.g. `9f3c01aa-48121`.
 *
 * Two processes with the same number differ in it. Null for a process that is not alive, empty where the
 * system has no /proc.
 */
export function processStart(pid: number): string | null {
  if (!Number.isInteger(pid) || pid < 1 || pid > MAX_PID) return null;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return null;
  }
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
  // The second field, the name, may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (ENDED_STATES.includes(fields[STATE_FIELD] ?? "")) return null;
  return `${bootId()}-${fields[START_FIELD] ?? ""}`;
}

/** Names the machine's boot: ticks since boot repeat after the next one. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8);
  } catch {
    return "0";
  }
}
