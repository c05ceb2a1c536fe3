import { ClusterError } from "@gumshoe/core";

/**
 * The disposition of a job whose handler threw.
 *
 * - `retry`: the other side failed; a retry may succeed
 * - `drop`: the job is no longer needed; a producer that still needs it adds it again
 * - `dead-letter`: a retry would fail the same way; kept for inspection
 */
export type Disposition = "retry" | "drop" | "dead-letter";

/** Maps an error's code to the disposition of its job; no other code does. */
export function dispositionOf(thrown: unknown): Disposition {
  if (!(thrown instanceof ClusterError)) return "dead-letter";
  if (thrown.retryable) return "retry";
  return thrown.code === "NOT_FOUND" || thrown.code === "ABORTED" ? "drop" : "dead-letter";
}
