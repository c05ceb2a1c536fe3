import { ClusterError } from "@gumshoe/core";

/**
 * What becomes of a job whose handler threw.
 *
 * - `retry`: the other side failed; the same thing may work in a moment
 * - `drop`: nobody wants the job any more; if somebody does, the producer adds it again
 * - `dead-letter`: trying again would end the same way; kept for people to look at
 */
export type Disposition = "retry" | "drop" | "dead-letter";

/** The only place where an error's code becomes a job's fate. */
export function dispositionOf(thrown: unknown): Disposition {
  if (!(thrown instanceof ClusterError)) return "dead-letter";
  if (thrown.retryable) return "retry";
  return thrown.code === "NOT_FOUND" || thrown.code === "ABORTED" ? "drop" : "dead-letter";
}
