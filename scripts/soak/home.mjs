/** A home of a cluster under test: a folder, on a small disk of its own where that is allowed. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getuid, kill } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** Room for a few checkpoints of the small model, little enough to be filled at once. */
const DISK_BYTES = 400 * 2 ** 20;
const PIECE = new Uint8Array(2 ** 20);

export class Home {
  /** Whether `fill` can be called. */
  isOwnDisk = false;

  constructor() {
    this.mount = mkdtempSync(join(tmpdir(), "gumshoe-soak-"));
    this.folder = join(this.mount, "home");
    if (getuid?.() !== 0) return;
    const args = ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", this.mount];
    this.isOwnDisk = spawnSync("mount", args).status === 0;
  }

  /** Fills the disk; returns a function that makes room again. */
  fill() {
    const file = join(this.mount, "filler");
    try {
      for (;;) writeFileSync(file, PIECE, { flag: "a" });
    } catch {
      // The disk is full.
    }
    return () => rmSync(file, { force: true });
  }

  /** Whether the run has a ledger. */
  hasRun(name) {
    return existsSync(join(this.folder, "runs", name, "ledger"));
  }

  /** The processes of the cluster that live. */
  processes() {
    try {
      const { processes } = JSON.parse(readFileSync(join(this.folder, "cluster.json"), "utf8"));
      return processes.filter(({ pid }) => pid !== null && exists(pid));
    } catch {
      // Not written yet.
      return [];
    }
  }

  /** Like `processes`, but waits for the first while `isStarting` says so. */
  async processesSoon(isStarting) {
    for (;;) {
      const alive = this.processes();
      if (alive.length > 0 || !isStarting()) return alive;
      await sleep(50);
    }
  }

  remove() {
    if (this.isOwnDisk) spawnSync("umount", ["-l", this.mount]);
    rmSync(this.mount, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

function exists(pid) {
  try {
    return kill(pid, 0);
  } catch {
    return false;
  }
}

/** Resident bytes and open descriptors of a process; null where /proc does not say. */
export function usageOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const kib = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN);
    return { bytes: kib * 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null;
  }
}
