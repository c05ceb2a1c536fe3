import { type JobOf, type QueueName, QUEUES } from "@gumshoe/protocol";

import { ForeignJobError } from "./errors.js";

/**
 * Validates the payload of a job from Redis, which other programs may have written.
 *
 * @throws ForeignJobError
 */
export function readJob<Q extends QueueName>(queue: Q, data: unknown): JobOf<Q> {
  const parsed = QUEUES[queue].payload.safeParse(data);
  if (parsed.success) return parsed.data as JobOf<Q>;
  throw new ForeignJobError(queue, parsed.error.issues[0]?.path.map(String).join(".") ?? "");
}

/** Parses a payload; null when it does not fit the schema. */
export function ownJob<Q extends QueueName>(queue: Q, data: unknown): JobOf<Q> | null {
  const parsed = QUEUES[queue].payload.safeParse(data);
  return parsed.success ? (parsed.data as JobOf<Q>) : null;
}
