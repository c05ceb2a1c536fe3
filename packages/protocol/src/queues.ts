/**
 * The one table of queues: what a job says, how long a worker may be silent, how often it is tried.
 *
 * - A payload only refers; contents are fetched and handed in by gRPC.
 * - A job is idempotent by its key: done twice, it has the same result.
 * - Times are chosen so that the job of a worker killed with -9 is in other hands within 5 s.
 */
import { z } from "zod";
import { RunName } from "@gumshoe/config";

import { GROUP_KEY } from "./names.js";

/** Longest name of a reducers' plan, in characters. */
const MAX_PLAN = 100;

/** Samples one group. */
export const RolloutJob = z.strictObject({
  run: RunName,
  groupKey: z.string().regex(GROUP_KEY, "is not a group key"),
  kind: z.enum(["train", "validation"]),
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

/** How long a worker may be silent, and how often a job is tried. */
export interface QueuePolicy {
  /** Silence after which a job is taken away from its worker. */
  readonly leaseMs: number;
  /** How often a worker renews the lease of a job in hand. */
  readonly renewMs: number;
  /** How often idle workers look for leases that have run out. */
  readonly stalledCheckMs: number;
  /** Tries that end in a retryable error before a job is put with the dead letters. */
  readonly attempts: number;
  /** Wait before the second try; doubles with every further one. */
  readonly firstRetryDelayMs: number;
}

const POLICY: QueuePolicy = {
  leaseMs: 3500,
  renewMs: 1000,
  stalledCheckMs: 1000,
  attempts: 5,
  firstRetryDelayMs: 200,
};

/** The queues by name. `priority`: lower goes first, 1 to 2^21. */
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

/** What a job of a queue says. */
export type JobOf<Q extends QueueName> = Q extends "rollout" ? RolloutJob : GradientJob;
