import { z } from "zod";

import { whole } from "./fields.js";

/** A worker by its last heartbeat. */
export const Worker = z.object({
  workerId: z.string(),
  role: z.string().describe("inference, trainer or reducer"),
  host: z.string(),
  pid: whole(),
  device: z.string().describe("e.g. cpu x2"),
  state: z.string().describe("starting, idle, busy, draining or lost"),
  job: z.string().describe("key of its job; empty for none"),
  jobAgeMs: z.number(),
  weightVersion: whole().describe("weights that it holds"),
  jobsDone: whole(),
  tokensPerSecond: z.number().describe("over the last minute"),
  memoryBytes: whole().describe("memory of its machine"),
  ended: z.string().describe("how its process ended; empty when it lives or nothing is known"),
});
/** A worker by its last heartbeat. */
export type Worker = z.infer<typeof Worker>;

/** A queue of jobs. */
export const Queue = z.object({
  name: z.string().describe("rollout or gradient"),
  role: z.string().describe("role of the workers that take its jobs"),
  waiting: whole(),
  active: whole(),
  oldestMs: z.number().nullable().describe("age of its oldest waiting job; null for none"),
  workersWanted: whole().describe("workers that could work now; 0 without a running run"),
});
/** A queue of jobs. */
export type Queue = z.infer<typeof Queue>;

/** Load of the coordinator. */
export const CoordinatorLoad = z.object({
  eventLoopDelayP99Ms: z.number(),
  eventLoopDelayMaxMs: z.number(),
  gcPauseMaxMs: z.number(),
  memoryBytes: whole(),
  cpuSeconds: z.number(),
});

/** Workers, queues and coordinator of a cluster. */
export const Fleet = z.object({
  workers: z.array(Worker).describe("then those that were lost in the last minute"),
  queues: z.array(Queue).nullable().describe("null while Redis is away"),
  coordinator: CoordinatorLoad,
  redisProblem: z.string().nullable(),
  tokensPerSecond: z.record(z.string(), z.number()).describe("sum by role"),
});
/** Workers, queues and coordinator of a cluster. */
export type Fleet = z.infer<typeof Fleet>;
