/**
 * How much memory a process and all that it started take: proportional set sizes (PSS), in which a page that
 * processes share counts once, divided among them. Linux only.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Time between two looks: a reducer's step of a large model takes longer. */
const LOOK_EVERY_MS = 200;
const KIB = 1024;

/** Bytes by role: a worker's role, coordinator, redis, or command. */
export type RoleBytes = Readonly<Record<string, number>>;

/** The most memory that was seen. */
export interface MemoryPeaks {
  /** Of all processes together. */
  readonly allBytes: number;
  /** Of each role, when all took most. */
  readonly atPeak: RoleBytes;
  /** Of each role, at its own peak. */
  readonly byRole: RoleBytes;
}

/** Looks at a process and its descendants again and again, until it is stopped. */
export class ProcessMemory {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #allBytes = 0;
  #atPeak: RoleBytes = {};
  readonly #byRole: Record<string, number> = {};

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Stops looking; returns what was seen. */
  stop(): MemoryPeaks {
    clearInterval(this.#timer);
    return { allBytes: this.#allBytes, atPeak: this.#atPeak, byRole: this.#byRole };
  }

  #look(): void {
    const roles: Record<string, number> = {};
    for (const pid of descendants(this.#pid)) {
      const [, kib] = /^Pss:\s+(\d+)/m.exec(readProc(pid, "smaps_rollup")) ?? [];
      const role = roleOf(pid);
      if (kib !== undefined) roles[role] = (roles[role] ?? 0) + Number(kib) * KIB;
    }
    const all = Object.values(roles).reduce((sum, bytes) => sum + bytes, 0);
    if (all > this.#allBytes) [this.#allBytes, this.#atPeak] = [all, roles];
    for (const [role, bytes] of Object.entries(roles)) {
      this.#byRole[role] = Math.max(this.#byRole[role] ?? 0, bytes);
    }
  }
}

/** Reads a file of /proc; empty when the process is gone. */
function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}

/** The processes below one, itself included. */
function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const stat = readProc(Number(name), "stat");
    // After the name, which may hold anything: state, then the parent.
    const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    parents.set(Number(name), Number(parent));
  }
  const isBelow = (pid: number): boolean => {
    for (let at = pid; at > 1; at = parents.get(at) ?? 0) if (at === root) return true;
    return false;
  };
  return [...parents.keys()].filter(isBelow);
}

/** What a process is: the role of a worker, or the program. */
function roleOf(pid: number): string {
  const words = readProc(pid, "cmdline");
  const [, role] = /GUMSHOE_ROLE=(\w+)/.exec(readProc(pid, "environ")) ?? [];
  if (/worker\/dist\/(bundle\/)?main/.test(words)) return role ?? "worker";
  if (/coordinator\/dist\/(bundle\/)?main/.test(words)) return "coordinator";
  return words.includes("redis") ? "redis" : "command";
}
