/** The home of a cluster under test: a folder, on a small separate disk if that is permitted. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getuid, kill } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** Enough for a few checkpoints of the small model, little enough to fill quickly. */
const DISK_BYTES = 400 * 2 ** 20;
const PIECE = new Uint8Array(2 ** 20);

export class Home {
  /** Whether `fill` can be used. */
  isOwnDisk = false;

  constructor() {
    this.mount = mkdtempSync(join(tmpdir(), "gumshoe-soak-"));
    this.folder = join(this.mount, "home");
    if (getuid?.() !== 0) return;
    const args = ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", this.mount];
    this.isOwnDisk = spawnSync("mount", args).status === 0;
  }

  /** Fills the disk; returns a function that frees it. */
  fill() {
    const file = join(this.mount, "filler");
    try {
      for (;;) writeFileSync(file, PIECE, { flag: "a" });
    } catch {
      // The disk is full.
    }
    return () => rmSync(file, { force: true });
  }

  /** Whether the run has a ledger with an event: one that a full disk refused has an empty file. */
  hasRun(name) {
    const ledger = join(this.folder, "runs", name, "ledger/events.jsonl");
    return (statSync(ledger, { throwIfNoEntry: false })?.size ?? 0) > 0;
  }

  /** Returns the running processes of the cluster. */
  processes() {
    try {
      const { processes } = JSON.parse(readFileSync(join(this.folder, "cluster.json"), "utf8"));
      return processes.filter(({ pid }) => pid !== null && exists(pid));
    } catch {
      // Not written yet.
      return [];
    }
  }

  /** Like `processes`, but waits for the first one while `isStarting` returns true. */
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

/** Returns resident bytes and open descriptors of a process; null without /proc. */
export function usageOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const kib = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN);
    return { bytes: kib * 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null;
  }
}
