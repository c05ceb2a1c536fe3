/**
 * A lock that at most one living process of this machine holds; the lock of a dead process does not count.
 *
 * - Every process that wants the lock makes a claim, a file of its own beside the lock: its name has the process,
 *   when that began, the folder's inode (the copy of a folder is not locked), and the host. It has the lock when no other living process has a claim.
 * - A claim that is made second sees the first one, so two processes never both have the lock. Those that
 *   claim at the same moment both withdraw, and try again after a random time.
 * - A claim is removed by its owner, or by others once its owner is dead. Its name is never used by another
 *   process, so a removal cannot take away a lock that was just given.
 * - The file of the lock itself names the holder for people. Versions without claims had nothing else: theirs
 *   counts as they meant it.
 * - Processes of other hosts do not count: what several hosts share needs another lock. Nor do threads of one
 *   process, which have lists of their own.
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

/** Tries until a lock is given up; a holder is there from the first to the last. */
const TRIES = 10;
/** Longest wait between two tries, in ms: the average makes a quarter of a second altogether. */
const MAX_WAIT_MS = 50;

/** Locks that this process holds: its own claim looks like that of any living process. */
const held = new Set<string>();

interface Claim {
  readonly file: string;
  readonly pid: number;
  readonly started: string;
  readonly inode: string;
  readonly host: string;
}

/** A lock that this process holds. */
export class ProcessLock {
  readonly #file: string;
  readonly #claim: string;
  #released = false;

  private constructor(file: string, claim: string) {
    this.#file = file;
    this.#claim = claim;
  }

  /**
   * Takes a lock, and makes the folder that it lies in.
   *
   * @param path  file of the lock, e.g. `HOME/coordinator.lock`
   * @throws      LockHeldError when a living process of this machine has it, this one included
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
      // The last claim seen may be of a process that still tries; the file names the one that has the lock.
      if (tries === TRIES) throw new LockHeldError(path, claimHolder(file) ?? other);
      sleep(randomInt(MAX_WAIT_MS));
    }
    held.add(file);
    writeHolder(file, own);
    return new ProcessLock(file, own.file);
  }

  /** Gives the lock back. Idempotent. */
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
  // Empty: a file without content can be made on a disk that is full. One of this name that is there already
  // was copied or left: what this process holds is in its list.
  closeSync(openSync(file, "w", 0o600));
}

/** Finds a living process that has a claim or the lock; null when there is none. Removes dead claims. */
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

/** Reads the holder that the file of the lock names, when its claim is there; null otherwise. */
function claimHolder(file: string): number | null {
  const holder = readHolder(file);
  if (holder?.claim === undefined) return null;
  return existsSync(join(dirname(file), holder.claim)) ? holder.pid : null;
}

/** Reads the holder of a lock without claims: earlier versions wrote a number, or number, host and ticks. */
function namedHolder(file: string, own: Claim): number | null {
  const holder = readHolder(file);
  if (holder === null || holder.pid === own.pid || holder.claim !== undefined) return null;
  if (holder.host !== undefined && holder.host !== hostname()) return null;
  const start = processStart(holder.pid);
  if (start === null) return null;
  if (holder.started !== undefined) {
    return start === holder.started || start.endsWith(`-${holder.started}`) ? holder.pid : null;
  }
  // A process that began after the lock was written has the number of one that died.
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
    // Made when the process is; a second for what clocks and file systems round.
    return statSync(`/proc/${pid}`).ctimeMs <= timeMs + 1000;
  } catch {
    return true;
  }
}

/** Names the holder for people. A disk that is full does not keep anyone from holding the lock. */
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
