import { readFileSync, readlinkSync } from "node:fs";

/** States of a process that has exited, and whose parent has not waited for it. */
const ENDED_STATES = ["Z", "X"];
/** Index of a field in /proc/PID/stat, counted after the process name. */
const STATE_FIELD = 0;
const START_FIELD = 19;
/** Pids are signed 32-bit numbers; Linux stays below 2^22. */
const MAX_PID = 2 ** 31 - 1;

/**
 * Returns the start time of a process: the machine's boot and the ticks since then, e.g.
 * `9f3c01aa-48121`.
 *
 * It distinguishes processes that have had the same pid. Null for a process that is not running,
 * empty on systems without /proc.
 */
export function processStart(pid: number): string | null {
  if (!Number.isInteger(pid) || pid < 1 || pid > MAX_PID) return null;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process exists, and belongs to another user.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return null;
  }
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
  // The second field, the process name, may contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (ENDED_STATES.includes(fields[STATE_FIELD] ?? "")) return null;
  return `${bootId()}-${fields[START_FIELD] ?? ""}`;
}

/**
 * Identifies the processes that can see each other: one boot of one machine, and one PID namespace. They can open each
 * other's files under `/proc`. Empty if the system has no `/proc`.
 */
export function hostIdentity(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}

/** A process, as another one can recognize it. */
export interface ProcessIdentity {
  /** Its {@link hostIdentity}. */
  readonly host: string;
  readonly pid: number;
  /** Its {@link processStart}. */
  readonly started: string;
}

/** Identifies this process. */
export function ownIdentity(): ProcessIdentity {
  return { host: hostIdentity(), pid: process.pid, started: processStart(process.pid) ?? "" };
}

/** Returns whether a process has certainly ended: false for one that this process cannot see. */
export function hasEnded({ host, pid, started }: ProcessIdentity): boolean {
  const here = hostIdentity();
  if (here === "" || host !== here || started === "") return false;
  const start = processStart(pid);
  return start === null || (start !== "" && start !== started);
}

/** Identifies the machine's boot: tick counts repeat after the next one. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8);
  } catch {
    return "0";
  }
}
