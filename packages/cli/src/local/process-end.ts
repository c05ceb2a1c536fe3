/**
 * How a child process ended, in words: its exit code, its signal, or that the system killed it because there
 * was no memory left.
 *
 * - The system kills by SIGKILL and gives the parent no reason; but it counts such kills, for the cgroup of
 *   the processes and for the machine. A SIGKILL with a count that rose within the last seconds is one.
 * - What a process held is known from samples, as nothing is left to be asked once it has ended.
 */
import { readFileSync } from "node:fs";

import { machineMemory } from "@gumshoe/memory";

import { formatBytes } from "../terminal/format.js";

const SAMPLE_EVERY_MS = 500;
/** Samples that are looked back on: a large process takes seconds to be taken down. */
const MAX_SAMPLES = 10;
const BYTES_PER_KIB = 1024;
/** Longest complaint of a log that is repeated, in characters. */
const MAX_COMPLAINT = 300;

/** What is known of a process's memory at its end. */
export interface MemoryUsage {
  /** Most resident memory of the last samples; null where the system reports none. */
  readonly heldBytes: number | null;
  /** What its machine or its cgroup allows. */
  readonly limitBytes: number;
  /** Whether the system has killed a process for want of memory in the last seconds. */
  readonly outOfMemory: boolean;
}

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Null where it was not sampled. */
  readonly memory: MemoryUsage | null;
  /** The last complaint of its log; null for none. */
  readonly complaint: () => string | null;
}

/** Describes the end of a process in a few words. */
export function describeEnd({ code, signal, memory, complaint }: ProcessEnd): string {
  if (signal === "SIGKILL" && memory?.outOfMemory === true) {
    const { heldBytes, limitBytes } = memory;
    const held = heldBytes === null ? "" : `: it held ${heldOf(heldBytes, limitBytes)}`;
    return `killed by the system, out of memory${held}`;
  }
  if (signal !== null) return signal;
  const words = `exit code ${code}`;
  const said = code === 0 ? null : complaint();
  return said === null ? words : `${words}: ${said.slice(0, MAX_COMPLAINT)}`;
}

/** Writes both sizes in one unit where they have the same: `8.8 of 24 GB`. */
function heldOf(heldBytes: number, limitBytes: number): string {
  const [held, limit] = [formatBytes(heldBytes), formatBytes(limitBytes)];
  const [number, unit] = held.split(" ");
  return limit.endsWith(` ${unit}`) ? `${number} of ${limit}` : `${held} of ${limit}`;
}

interface Sample {
  readonly heldBytes: number | null;
  readonly numKills: number | null;
}

/** Samples the memory of a process, and the system's count of kills, until it is stopped. */
export class MemoryWatch {
  readonly #samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly pid: number) {
    this.#take();
    this.#timer = setInterval(() => this.#take(), SAMPLE_EVERY_MS);
    this.#timer.unref();
  }

  /** What is known now. */
  usage(): MemoryUsage {
    const held = this.#samples.flatMap(({ heldBytes }) => (heldBytes === null ? [] : [heldBytes]));
    const before = this.#samples[0]?.numKills ?? null;
    const now = readOutOfMemoryKills();
    return {
      heldBytes: held.length === 0 ? null : Math.max(...held),
      limitBytes: machineMemory().limitBytes,
      outOfMemory: before !== null && now !== null && now > before,
    };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #take(): void {
    const heldBytes = readResidentBytes(this.pid);
    this.#samples.push({ heldBytes, numKills: readOutOfMemoryKills() });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
  }
}

/** Reads how much memory of a process is resident; null where the system does not report it. */
function readResidentBytes(pid: number): number | null {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readOrEmpty(`/proc/${pid}/status`)) ?? [];
  return kib === undefined ? null : Number(kib) * BYTES_PER_KIB;
}

/** Adds up the system's counts of out-of-memory kills; null where it reports none. */
function readOutOfMemoryKills(): number | null {
  const counts = killCounters().flatMap((file) => {
    const [, count] = /^oom_kill (\d+)$/m.exec(readOrEmpty(file)) ?? [];
    return count === undefined ? [] : [Number(count)];
  });
  return counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0);
}

/** Files that count kills: those of our cgroup (versions 2 and 1), and that of the machine. */
function killCounters(): string[] {
  const groups = readOrEmpty("/proc/self/cgroup");
  const [, unified = "/"] = /^0::(.*)$/m.exec(groups) ?? [];
  const [, memory = "/"] = /^\d+:memory:(.*)$/m.exec(groups) ?? [];
  return [
    `/sys/fs/cgroup${unified}/memory.events`,
    // In a container its own group is mounted as the root.
    "/sys/fs/cgroup/memory.events",
    `/sys/fs/cgroup/memory${memory}/memory.oom_control`,
    "/sys/fs/cgroup/memory/memory.oom_control",
    "/proc/vmstat",
  ];
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
