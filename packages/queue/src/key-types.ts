import { type QueueName, QUEUES } from "@gumshoe/protocol";
import type { Redis } from "ioredis";

import { queuePrefix } from "./job-id.js";

/** Redis types of BullMQ's keys other than those of jobs. */
const KINDS: Readonly<Record<string, string>> = {
  wait: "list",
  active: "list",
  paused: "list",
  prioritized: "zset",
  delayed: "zset",
  failed: "zset",
  completed: "zset",
  marker: "zset",
  stalled: "set",
  meta: "hash",
  events: "stream",
  id: "string",
  pc: "string",
  "stalled-check": "string",
};

/** Suffixes of the keys that belong to a job; the job itself is a hash. */
const BESIDE_JOBS = /:(?:lock|logs|dependencies|processed|failed|unsuccessful)$/;
const SCAN_COUNT = 1000;

/** A key whose value has another Redis type than the queues use. */
export interface MisusedKey {
  readonly key: string;
  readonly expected: string;
  readonly found: string;
}

/** Finds a key of a cluster's queues or fence that another program has written; null for none. */
export async function findMisusedKey(redis: Redis, cluster: string): Promise<MisusedKey | null> {
  const wanted = new Map<string, string>([[`gumshoe:${cluster}:fence:coordinator`, "string"]]);
  for (const name of Object.keys(QUEUES) as QueueName[]) {
    for (const [key, kind] of Object.entries(KINDS)) {
      wanted.set(`${queuePrefix(cluster)}:${name}:${key}`, kind);
    }
  }
  const pipeline = redis.pipeline();
  for (const key of wanted.keys()) pipeline.type(key);
  const replies = (await pipeline.exec()) ?? [];
  for (const [i, [key, expected]] of [...wanted].entries()) {
    const [error, found] = replies[i] ?? [];
    if (error !== null && error !== undefined) throw error;
    if (found !== "none" && found !== expected) return { key, expected, found: String(found) };
  }
  return null;
}

/** Finds a job's key that another program has written; null for none. Scans all keys. */
export async function findMisusedJob(redis: Redis, cluster: string): Promise<MisusedKey | null> {
  const names = Object.keys(QUEUES) as QueueName[];
  const kept = new Set(
    names.flatMap((name) =>
      Object.keys(KINDS).map((key) => `${queuePrefix(cluster)}:${name}:${key}`),
    ),
  );
  const pattern = `${queuePrefix(cluster).replace(/[[\]*?\\]/g, "\\$&")}:*`;
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, "MATCH", pattern, "COUNT", SCAN_COUNT);
    cursor = next;
    for (const key of keys.filter((key) => !kept.has(key) && !BESIDE_JOBS.test(key))) {
      const found = await redis.type(key);
      if (found !== "hash" && found !== "none") return { key, expected: "hash", found };
    }
  } while (cursor !== "0");
  return null;
}
