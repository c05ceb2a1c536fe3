import { type JobOf, type QueueName, QUEUES } from "@gumshoe/protocol";

/**
 * Returns the id of a job in BullMQ: its key with `:`, the separator of Redis keys, replaced.
 *
 * Each key has at most one job: adding an open job again has no effect, and after the job is gone
 * it can be added anew.
 */
export function jobId<Q extends QueueName>(queue: Q, job: JobOf<Q>): string {
  return jobKey(queue, job).replaceAll(":", "~");
}

/** Returns the idempotency key of a job. */
export function jobKey<Q extends QueueName>(queue: Q, job: JobOf<Q>): string {
  return (QUEUES[queue].key as (job: JobOf<Q>) => string)(job);
}

/** Returns the key prefix of a cluster's queues in Redis. */
export function queuePrefix(cluster: string): string {
  return `gumshoe:${cluster}:queue`;
}
