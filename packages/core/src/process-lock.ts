/**
 * A lock that at most one running process of this machine holds; the lock of a process that has
 * ended does not count.
 *
 * - Every process that wants the lock creates a claim, a file beside the lock whose name holds its
 *   pid and start time, the folder's inode (so that the copy of a folder is not locked), and the
 *   host. It has the lock when no other running process has a claim.
 * - The later of two claims always sees the earlier one, so two processes never both have the lock.
 *   Processes that claim at the same moment both withdraw, and retry after a random time.
 * - A claim is removed by its owner, or by others once its owner has ended. Its name is never
 *   reused by another process, so removing it cannot remove a newer claim.
 * - The lock file itself names the holder for people. Earlier versions wrote only this file: it
 *   counts if its process is running.
 * - Processes on other hosts are ignored: folders shared by several hosts need another lock. So are
 *   threads, each of which has its own list of held locks.
 */
import { randomInt } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

import { LockHeldError } from "./errors.js";
import { processStart } from "./process-identity.js";

/** Attempts before a lock counts as held; a real holder is seen in every one of them. */
const TRIES = 10;
/** Longest wait between two attempts, in ms: the attempts take a quarter of a second on average. */
const MAX_WAIT_MS = 50;

/** Locks that this process holds: on disk its own claim looks like any running process's. */
const held = new Set<string>();

interface Claim {
  readonly file: string;
  readonly pid: number;
  readonly started: string;
  readonly inode: string;
  readonly host: string;
}

/** A lock held by this process. */
export class ProcessLock {
  readonly #file: string;
  readonly #claim: string;
  #released = false;

  private constructor(file: string, claim: string) {
    this.#file = file;
    this.#claim = claim;
  }

  /**
   * Takes a lock, and creates the folder of its file.
   *
   * @param path  file of the lock, e.g. `HOME/coordinator.lock`
   * @throws      LockHeldError when a running process of this machine holds it, this one included
   */
  static take(path: string): ProcessLock {
    mkdirSync(dirname(path), { recursive: true });
    const file = join(realpathSync(dirname(path)), basename(path));
    if (held.has(file)) throw new LockHeldError(path, process.pid);
    const own = claimOf(file);
    for (let tries = 1; ; tries++) {
      makeClaim(own);
      const other = otherHolder(file, own);
      if (other === null) break;
      rmSync(own.file, { force: true });
      // The last claim seen may be of a process that is still trying; the file names the actual
      // holder.
      if (tries === TRIES) throw new LockHeldError(path, claimHolder(file) ?? other);
      sleep(randomInt(MAX_WAIT_MS));
    }
    held.add(file);
    writeHolder(file, own);
    return new ProcessLock(file, own.file);
  }

  /** Releases the lock. Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    rmSync(this.#file, { force: true });
    rmSync(this.#claim, { force: true });
    held.delete(this.#file);
  }
}

function claimOf(file: string): Claim {
  const { pid } = process;
  const started = processStart(pid) ?? "";
  const host = hostname().replace(/[^A-Za-z0-9-]/g, "_");
  const inode = String(statSync(dirname(file)).ino);
  return { file: `${file}.${pid}.${started}.${inode}.${host}`, pid, started, inode, host };
}

function makeClaim({ file }: Claim): void {
  // Empty, so that it can be created on a full disk. An existing claim of this name is a copy or a
  // leftover: the locks that this process holds are in `held`.
  closeSync(openSync(file, "w", 0o600));
}

/**
 * Returns a running process with a claim or the lock; null for none. Removes the claims of ended
 * processes.
 */
function otherHolder(file: string, own: Claim): number | null {
  const folder = dirname(file);
  let other: number | null = null;
  for (const name of readdirSync(folder)) {
    const claim = parseClaim(file, name);
    if (claim === null || claim.file === own.file) continue;
    const isHere = claim.host === own.host && claim.inode === own.inode;
    if (isHere && processStart(claim.pid) === claim.started) other = claim.pid;
    else rmSync(claim.file, { force: true });
  }
  return other ?? namedHolder(file, own);
}

function parseClaim(file: string, name: string): Claim | null {
  const prefix = `${basename(file)}.`;
  if (!name.startsWith(prefix)) return null;
  const [pid, started, inode, host, ...rest] = name.slice(prefix.length).split(".");
  if (inode === undefined || host === undefined || rest.length > 0) return null;
  if (!/^\d+$/.test(pid ?? "")) return null;
  return {
    file: join(dirname(file), name),
    pid: Number(pid),
    started: started ?? "",
    inode,
    host,
  };
}

/** Returns the holder that the lock file names, if its claim exists; null otherwise. */
function claimHolder(file: string): number | null {
  const holder = readHolder(file);
  if (holder?.claim === undefined) return null;
  return existsSync(join(dirname(file), holder.claim)) ? holder.pid : null;
}

/**
 * Returns the holder of a lock without claims: earlier versions wrote a pid, or pid, host and
 * ticks.
 */
function namedHolder(file: string, own: Claim): number | null {
  const holder = readHolder(file);
  if (holder === null || holder.pid === own.pid || holder.claim !== undefined) return null;
  if (holder.host !== undefined && holder.host !== hostname()) return null;
  const start = processStart(holder.pid);
  if (start === null) return null;
  if (holder.started !== undefined) {
    return start === holder.started || start.endsWith(`-${holder.started}`) ? holder.pid : null;
  }
  // A process that started after the file was written has only reused the pid.
  return beganBefore(holder.pid, holder.writtenAtMs) ? holder.pid : null;
}

interface Holder {
  readonly pid: number;
  readonly host?: string;
  readonly started?: string;
  readonly claim?: string;
}

function readHolder(file: string): (Holder & { writtenAtMs: number }) | null {
  try {
    const json = JSON.parse(readFileSync(file, "utf8")) as unknown;
    const holder = typeof json === "number" ? { pid: json } : (json as Holder | null);
    if (holder === null || !Number.isInteger(holder.pid)) return null;
    return { ...holder, writtenAtMs: statSync(file).mtimeMs };
  } catch {
    return null;
  }
}

function beganBefore(pid: number, timeMs: number): boolean {
  try {
    // /proc/PID is created with its process; the second allows for rounding of clocks and file
    // systems.
    return statSync(`/proc/${pid}`).ctimeMs <= timeMs + 1000;
  } catch {
    return true;
  }
}

/** Names the holder for people. Best effort: a full disk must not prevent taking the lock. */
function writeHolder(file: string, { pid, started, file: claim }: Claim): void {
  const temporary = `${claim}.new`;
  try {
    const holder: Holder = { host: hostname(), pid, started, claim: basename(claim) };
    writeFileSync(temporary, `${JSON.stringify(holder)}\n`);
    renameSync(temporary, file);
  } catch {
    rmSync(temporary, { force: true });
  }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
