/**
 * The folder of a local cluster: secrets, logs, Redis's file and the runs.
 *
 * - `token`, `redis-password`  created at the first start, readable by their owner only
 * - `cluster.json`             address and processes of the running cluster
 * - `logs/<process>.log`       one per process, with the previous start's as `.log.1`
 * - `runs/<name>/`             written by the coordinator
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

/** One process of the local cluster in `cluster.json`. */
export interface ProcessRecord {
  readonly name: string;
  /** Null while it is being restarted. */
  readonly pid: number | null;
  readonly log: string;
}

/** The contents of `cluster.json`. */
export interface ClusterRecord {
  /** host:port of the coordinator. */
  readonly address: string;
  /** host:port of its page and API; absent in clusters of earlier versions. */
  readonly http?: string;
  /** Process that started the cluster. */
  readonly pid: number;
  readonly processes: readonly ProcessRecord[];
}

/** The folder of a local cluster. */
export class Home {
  readonly folder: string;
  #lock: ProcessLock | null = null;

  constructor(folder: string) {
    this.folder = resolve(folder);
  }

  /** Creates the folder with access for its owner only. */
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

  /** Returns the cluster's token, creating it at the first call. */
  token(): string {
    return this.#secret("token");
  }

  /** Returns the cluster's token, or null when it does not exist yet. */
  existingToken(): string | null {
    const path = join(this.folder, "token");
    return existsSync(path) ? readSecretFile(path) : null;
  }

  /** Returns the password of the cluster's Redis, creating it at the first call. */
  redisPassword(): string {
    return this.#secret("redis-password");
  }

  /** Returns the log file of a process, after renaming an earlier start's to `.1`. */
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
   * Removes the files of a run, while no cluster runs here. The folder is renamed first: if the
   * deletion is interrupted, the next coordinator deletes the rest.
   */
  removeRun(name: string): void {
    const folder = this.runFolder(name);
    if (!existsSync(folder)) return;
    const removed = join(dirname(folder), `${REMOVED_PREFIX}${name}-${randomUUID().slice(0, 8)}`);
    renameSync(folder, removed);
    rmSync(removed, { recursive: true, force: true });
  }

  /**
   * Locks the home for this process. @throws HomeInUseError when another running process holds the
   * lock
   */
  lock(): void {
    try {
      this.#lock = ProcessLock.take(join(this.folder, "cluster.lock"));
    } catch (thrown) {
      if (thrown instanceof LockHeldError) throw new HomeInUseError(this.folder, thrown.pid);
      throw diskError(thrown, this.folder) ?? thrown;
    }
  }

  /** Unlocks the home. Idempotent. */
  unlock(): void {
    rmSync(join(this.folder, "cluster.json"), { force: true });
    this.#lock?.release();
    this.#lock = null;
  }

  /** Writes the cluster's address for other commands. @throws DiskFullError, FolderAwayError */
  writeCluster(record: ClusterRecord): void {
    const path = join(this.folder, "cluster.json");
    try {
      writeDurablySync(path, `${JSON.stringify(record, null, 2)}\n`);
    } catch (thrown) {
      throw diskError(thrown, this.folder) ?? thrown;
    }
  }

  /** Returns the cluster's record; null when none runs, or when the file is invalid. */
  readCluster(): ClusterRecord | null {
    try {
      const text = readFileSync(join(this.folder, "cluster.json"), "utf8");
      const record = JSON.parse(text) as unknown;
      return isClusterRecord(record) ? record : null;
    } catch {
      return null;
    }
  }

  /** Returns the record of a cluster whose process is running, or null. */
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
      // Remove it: an empty file would be mistaken for a corrupted secret.
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
  const { address, http, pid, processes } = value as Readonly<Record<string, unknown>>;
  return (
    typeof address === "string" &&
    (http === undefined || typeof http === "string") &&
    isPid(pid) &&
    Array.isArray(processes) &&
    processes.every(isProcessRecord)
  );
}

function isProcessRecord(value: unknown): boolean {
  const { name, pid, log } = value as Readonly<Record<string, unknown>>;
  return typeof name === "string" && typeof log === "string" && (pid === null || isPid(pid));
}

/** Excludes 0 and negative numbers, which `kill` takes for process groups. */
function isPid(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 0;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    // EPERM: the process exists, and belongs to another user.
    return (thrown as NodeJS.ErrnoException).code === "EPERM";
  }
}
