/**
 * The table of job queues: payload, lease and number of attempts of each.
 *
 * - A payload holds references only; contents are fetched and submitted by gRPC.
 * - A job is idempotent by its key: executing it twice gives the same result.
 * - The times are chosen so that the job of a worker killed by SIGKILL is taken over within 5 s.
 */
import { z } from "zod";
import { RunName } from "@gumshoe/config";

import { GROUP_KEY } from "./names.js";

/** Longest name of a reducer plan, in characters. */
const MAX_PLAN = 100;

/** Samples one group. */
export const RolloutJob = z.strictObject({
  run: RunName,
  groupKey: z.string().regex(GROUP_KEY, "is not a group key"),
  kind: z.enum(["train", "validation", "report"]),
});
/** Samples one group. */
export type RolloutJob = z.infer<typeof RolloutJob>;

/** Computes the gradient of one lane of one update. */
export const GradientJob = z.strictObject({
  run: RunName,
  update: z.int().min(0),
  lane: z.int().min(0),
  plan: z.string().max(MAX_PLAN),
});
/** Computes the gradient of one lane of one update. */
export type GradientJob = z.infer<typeof GradientJob>;

/** Lease times and number of attempts of a queue's jobs. */
export interface QueuePolicy {
  /** Time without renewal after which a job is taken from its worker. */
  readonly leaseMs: number;
  /** Interval at which a worker renews the lease of an active job. */
  readonly renewMs: number;
  /** Interval at which idle workers check for expired leases. */
  readonly stalledCheckMs: number;
  /** Attempts that may end in a retryable error before the job becomes a dead letter. */
  readonly attempts: number;
  /** Delay before the second attempt; doubles with each further one. */
  readonly firstRetryDelayMs: number;
}

const POLICY: QueuePolicy = {
  leaseMs: 3500,
  renewMs: 1000,
  stalledCheckMs: 1000,
  attempts: 5,
  firstRetryDelayMs: 200,
};

/** The queues by name. `priority`: lower is taken first, 1 to 2^21. */
export const QUEUES = {
  rollout: {
    payload: RolloutJob,
    policy: POLICY,
    key: (job: RolloutJob) => `${job.run}/${job.groupKey}`,
    priority: (job: RolloutJob) => (job.kind === "train" ? 1 : 2),
  },
  gradient: {
    payload: GradientJob,
    policy: POLICY,
    key: (job: GradientJob) => `${job.run}/${job.plan}/${job.update}/${job.lane}`,
    priority: (_job: GradientJob) => 1,
  },
} as const;

/** Name of a queue. */
export type QueueName = keyof typeof QUEUES;

/** The payload of a queue's jobs. */
export type JobOf<Q extends QueueName> = Q extends "rollout" ? RolloutJob : GradientJob;
