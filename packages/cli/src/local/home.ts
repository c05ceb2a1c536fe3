/**
 * The folder that a local cluster lives in: secrets, logs, Redis' file and the runs.
 *
 * - `token`, `redis-password`  made at the first start, readable by their owner alone
 * - `cluster.json`             where the cluster that runs now listens, and its processes
 * - `logs/<process>.log`       one per process, the last start's as `.log.1`
 * - `runs/<name>/`             what the coordinator writes
 */
import { randomBytes, randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { errorMessage } from "@gumshoe/core";
import { REMOVED_PREFIX } from "@gumshoe/protocol";

import { FileError, HomeInUseError } from "../errors.js";

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

  constructor(folder: string) {
    this.folder = resolve(folder);
  }

  /** Makes the folder, for its owner alone. */
  create(): void {
    try {
      mkdirSync(join(this.folder, "logs"), { recursive: true });
      mkdirSync(join(this.folder, "redis"), { recursive: true });
      chmodSync(this.folder, 0o700);
    } catch (thrown) {
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
    return existsSync(path) ? readFileSync(path, "utf8").trim() : null;
  }

  /** Returns the password of the cluster's Redis, made at the first call. */
  redisPassword(): string {
    return this.#secret("redis-password");
  }

  /** Returns the log file of a process; what an earlier start wrote is kept as `.1`. */
  freshLog(name: string): string {
    const path = join(this.folder, "logs", `${name}.log`);
    if (existsSync(path)) renameSync(path, `${path}.1`);
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
    const path = join(this.folder, "cluster.lock");
    for (;;) {
      try {
        writeFileSync(path, `${process.pid}\n`, { flag: "wx" });
        return;
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
        const pid = Number(readFileSync(path, "utf8"));
        if (isGumshoe(pid)) throw new HomeInUseError(this.folder, pid);
        rmSync(path, { force: true });
      }
    }
  }

  /** Gives the home back. Idempotent. */
  unlock(): void {
    rmSync(join(this.folder, "cluster.json"), { force: true });
    rmSync(join(this.folder, "cluster.lock"), { force: true });
  }

  /** Tells other commands where the cluster is. */
  writeCluster(record: ClusterRecord): void {
    const path = join(this.folder, "cluster.json");
    writeFileSync(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`);
    renameSync(`${path}.new`, path);
  }

  /** Returns where the cluster is, or null when none runs. */
  readCluster(): ClusterRecord | null {
    try {
      const text = readFileSync(join(this.folder, "cluster.json"), "utf8");
      return JSON.parse(text) as ClusterRecord;
    } catch {
      return null;
    }
  }

  #secret(name: string): string {
    const path = join(this.folder, name);
    if (!existsSync(path)) {
      writeFileSync(path, `${randomBytes(32).toString("base64url")}\n`, {
        mode: 0o600,
        flag: "wx",
      });
    }
    const secret = readFileSync(path, "utf8").trim();
    if (secret === "") throw new FileError(path, "is empty; remove it and start again");
    return secret;
  }
}

/** Says whether a process lives and is one of ours; its number may have gone to another program. */
function isGumshoe(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 1 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return /node|gumshoe/.test(words);
  } catch {
    return true;
  }
}
