/** Faults in the environment of a fake cluster, and their repair. */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

import type { FakeCluster } from "./fake-cluster.js";

/** Size of the disk that can be filled. */
const DISK = "192m";

/** A fault in the environment of a cluster. */
export interface Fault {
  /** Matches the run's note about what it waits for. */
  readonly note: RegExp;
  begin(cluster: FakeCluster, run: string): Promise<void>;
  end(cluster: FakeCluster, run: string): Promise<void>;
}

/** Mounts a small separate disk for the cluster's runs; false if that is not permitted. */
export function mountSmallDisk(cluster: FakeCluster): boolean {
  const folder = join(cluster.home, "runs");
  return spawnSync("mount", ["-t", "tmpfs", "-o", `size=${DISK}`, "tmpfs", folder]).status === 0;
}

/** Unmounts the small disk. */
export function unmountSmallDisk(cluster: FakeCluster): void {
  spawnSync("umount", ["-l", join(cluster.home, "runs")]);
}

const command = async (cluster: FakeCluster, ...words: [string, ...string[]]) => {
  await cluster.link.commands.call(...words);
};
const filler = (cluster: FakeCluster) => join(cluster.home, "runs", "filler");

/** The faults by name. */
export const FAULTS = {
  "Redis paused": {
    note: /Redis at 127\.0\.0\.1:\d+: .*(timed out|no answer in time)/,
    begin: async (cluster) => cluster.redis.pause(true),
    end: async (cluster) => cluster.redis.pause(false),
  },
  "Redis killed": {
    note: /Redis at 127\.0\.0\.1:\d+: /,
    begin: (cluster) => cluster.redis.kill(),
    end: (cluster) => cluster.redis.start(),
  },
  "Redis out of memory": {
    note: /Redis at 127\.0\.0\.1:\d+: OOM command not allowed/,
    begin: (cluster) => command(cluster, "config", "set", "maxmemory", "1"),
    end: (cluster) => command(cluster, "config", "set", "maxmemory", "0"),
  },
  "Redis read-only": {
    note: /Redis at 127\.0\.0\.1:\d+: READONLY You can't write/,
    begin: (cluster) => command(cluster, "replicaof", "127.0.0.1", "1"),
    end: (cluster) => command(cluster, "replicaof", "no", "one"),
  },
  "disk full": {
    note: /the disk of \S+ is full: \S+ kB free, about \S+ [kM]B needed/,
    begin: async (cluster) => fillDisk(filler(cluster)),
    end: async (cluster) => rmSync(filler(cluster)),
  },
  "folder away": {
    note: /cannot be written to: it is gone \(ENOENT\)/,
    begin: async (cluster, run) => renameSync(cluster.runFolder(run), movedTo(cluster, run)),
    end: async (cluster, run) => renameSync(movedTo(cluster, run), cluster.runFolder(run)),
  },
} satisfies Record<string, Fault>;

/** Name of a fault. */
export type FaultName = keyof typeof FAULTS;

/** On the same disk, so that the folder is renamed and not copied. */
function movedTo(cluster: FakeCluster, run: string): string {
  return join(cluster.home, "runs", `.${run}.away`);
}

/** Writes a file until its disk is full. */
export function fillDisk(file: string): void {
  const descriptor = openSync(file, "w");
  try {
    for (const size of [1 << 20, 1 << 12]) {
      const block = Buffer.alloc(size);
      try {
        while (writeSync(descriptor, block) === size);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    }
  } finally {
    closeSync(descriptor);
  }
}
