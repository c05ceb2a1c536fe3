/**
 * Keeps two coordinators of one machine out of one home, even when each has a Redis of its own.
 *
 * The fence in Redis decides between machines; this lock says nothing about a process elsewhere.
 */
import { readFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

import { HomeInUseError } from "../errors.js";

interface Holder {
  readonly host: string;
  readonly pid: number;
  /** When the process began, in ticks since boot: process numbers are used again. */
  readonly started: string;
}

/** A home that this process has taken. */
export class HomeLock {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /** @throws HomeInUseError when a living process of this machine has the home */
  static async take(home: string): Promise<HomeLock> {
    const file = join(home, "coordinator.lock");
    const own: Holder = { host: hostname(), pid: process.pid, started: startOf(process.pid) };
    for (;;) {
      try {
        await writeFile(file, JSON.stringify(own), { flag: "wx" });
        return new HomeLock(file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = await readHolder(file);
      if (holder !== null && isAlive(holder)) throw new HomeInUseError(home, holder.pid);
      await rm(file, { force: true });
    }
  }

  async release(): Promise<void> {
    await rm(this.#file, { force: true });
  }
}

async function readHolder(file: string): Promise<Holder | null> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Holder;
  } catch {
    return null;
  }
}

function isAlive({ host, pid, started }: Holder): boolean {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return startOf(pid) === started;
}

/** Empty where the system does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Field 22; the second one, the name, may hold spaces and parentheses.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
