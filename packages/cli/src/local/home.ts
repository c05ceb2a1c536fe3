/**
 * The folder that a local cluster lives in: secrets, logs, Redis' file and the runs.
 *
 * - `token`, `redis-password`  made at the first start, readable by their owner alone
 * - `cluster.json`             where the cluster that runs now listens, and its processes
 * - `logs/<process>.log`       one per process, the last start's as `.log.1`
 * - `runs/<name>/`             what the coordinator writes
 */
import { randomBytes, randomUUID } from "node:crypto";
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import {
  diskError,
  DiskFullError,
  errorMessage,
  LockHeldError,
  makeFolder,
  ProcessLock,
  writeDurablySync,
} from "@gumshoe/core";
import { REMOVED_PREFIX } from "@gumshoe/protocol";

import { FileError, HomeInUseError, readingError } from "../errors.js";

/** One process of the local cluster, as `cluster.json` tells it. */
export interface ProcessRecord {
  readonly name: string;
  /** Null while it is being restarted. */
  readonly pid: number | null;
  readonly log: string;
}

/** What `cluster.json` holds. */
export interface ClusterRecord {
  /** host:port of the coordinator. */
  readonly address: string;
  /** Process that started the cluster. */
  readonly pid: number;
  readonly processes: readonly ProcessRecord[];
}

/** The folder that a local cluster lives in. */
export class Home {
  readonly folder: string;
  #lock: ProcessLock | null = null;

  constructor(folder: string) {
    this.folder = resolve(folder);
  }

  /** Makes the folder, for its owner alone. */
  create(): void {
    try {
      makeFolder(join(this.folder, "logs"));
      makeFolder(join(this.folder, "redis"));
      chmodSync(this.folder, 0o700);
    } catch (thrown) {
      const fault = diskError(thrown, this.folder);
      if (fault instanceof DiskFullError) throw fault;
      throw new FileError(this.folder, `cannot be used as home: ${errorMessage(thrown)}`, thrown);
    }
  }

  /** Returns the cluster's token, made at the first call. */
  token(): string {
    return this.#secret("token");
  }

  /** Returns the cluster's token, or null when none was made yet. */
  existingToken(): string | null {
    const path = join(this.folder, "token");
    return existsSync(path) ? readSecretFile(path) : null;
  }

  /** Returns the password of the cluster's Redis, made at the first call. */
  redisPassword(): string {
    return this.#secret("redis-password");
  }

  /** Returns the log file of a process; what an earlier start wrote is kept as `.1`. */
  freshLog(name: string): string {
    const path = join(this.folder, "logs", `${name}.log`);
    try {
      if (existsSync(path)) renameSync(path, `${path}.1`);
    } catch (thrown) {
      throw diskError(thrown, this.folder) ?? thrown;
    }
    return path;
  }

  /** Returns the folder of a run. */
  runFolder(name: string): string {
    return join(this.folder, "runs", name);
  }

  /**
   * Removes what a run left, while no cluster runs here. The folder is renamed first: where this is cut short,
   * the next coordinator deletes the rest.
   */
  removeRun(name: string): void {
    const folder = this.runFolder(name);
    if (!existsSync(folder)) return;
    const removed = join(dirname(folder), `${REMOVED_PREFIX}${name}-${randomUUID().slice(0, 8)}`);
    renameSync(folder, removed);
    rmSync(removed, { recursive: true, force: true });
  }

  /** Takes the home for this process; throws HomeInUseError when another that lives has it. */
  lock(): void {
    try {
      this.#lock = ProcessLock.take(join(this.folder, "cluster.lock"));
    } catch (thrown) {
      if (thrown instanceof LockHeldError) throw new HomeInUseError(this.folder, thrown.pid);
      throw diskError(thrown, this.folder) ?? thrown;
    }
  }

  /** Gives the home back. Idempotent. */
  unlock(): void {
    rmSync(join(this.folder, "cluster.json"), { force: true });
    this.#lock?.release();
    this.#lock = null;
  }

  /** Tells other commands where the cluster is. @throws DiskFullError, FolderAwayError */
  writeCluster(record: ClusterRecord): void {
    const path = join(this.folder, "cluster.json");
    try {
      writeDurablySync(path, `${JSON.stringify(record, null, 2)}\n`);
    } catch (thrown) {
      throw diskError(thrown, this.folder) ?? thrown;
    }
  }

  /** Returns where the cluster is; null when none runs, or the file holds something else. */
  readCluster(): ClusterRecord | null {
    try {
      const text = readFileSync(join(this.folder, "cluster.json"), "utf8");
      const record = JSON.parse(text) as unknown;
      return isClusterRecord(record) ? record : null;
    } catch {
      return null;
    }
  }

  /** Returns where the cluster is whose process lives, or null. */
  runningCluster(): ClusterRecord | null {
    const record = this.readCluster();
    return record !== null && isAlive(record.pid) ? record : null;
  }

  #secret(name: string): string {
    const path = join(this.folder, name);
    if (!existsSync(path)) this.#writeSecret(path);
    const secret = readSecretFile(path);
    if (secret === "") throw new FileError(path, "is empty; remove it and start again");
    return secret;
  }

  #writeSecret(path: string): void {
    try {
      const secret = randomBytes(32).toString("base64url");
      writeFileSync(path, `${secret}\n`, { mode: 0o600, flag: "wx" });
    } catch (thrown) {
      // An empty file would be taken for a secret that was spoiled.
      const fault = diskError(thrown, this.folder);
      if (fault instanceof DiskFullError) rmSync(path, { force: true });
      throw fault ?? thrown;
    }
  }
}

function readSecretFile(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (thrown) {
    throw readingError(path, thrown);
  }
}

function isClusterRecord(value: unknown): value is ClusterRecord {
  const { address, pid, processes } = value as Readonly<Record<string, unknown>>;
  return (
    typeof address === "string" &&
    isPid(pid) &&
    Array.isArray(processes) &&
    processes.every(isProcessRecord)
  );
}

function isProcessRecord(value: unknown): boolean {
  const { name, pid, log } = value as Readonly<Record<string, unknown>>;
  return typeof name === "string" && typeof log === "string" && (pid === null || isPid(pid));
}

/** 0 and below stand for groups of processes. */
function isPid(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 0;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    // A process of another user lives, too.
    return (thrown as NodeJS.ErrnoException).code === "EPERM";
  }
}
