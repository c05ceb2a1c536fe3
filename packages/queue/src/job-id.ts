import { type JobOf, type QueueName, QUEUES } from "@gumshoe/protocol";

/**
 * Returns the id of a job in BullMQ: its key, with `:` (which separates Redis keys) replaced.
 *
 * One key is one job: adding it while it is open changes nothing, and once it is gone it may be
 * added again.
 */
export function jobId<Q extends QueueName>(queue: Q, job: JobOf<Q>): string {
  return jobKey(queue, job).replaceAll(":", "~");
}

/** Returns the key that a job is idempotent by. */
export function jobKey<Q extends QueueName>(queue: Q, job: JobOf<Q>): string {
  return (QUEUES[queue].key as (job: JobOf<Q>) => string)(job);
}

/** Returns the prefix of a cluster's queue keys in Redis. */
export function queuePrefix(cluster: string): string {
  return `gumshoe:${cluster}:queue`;
}
