/**
 * The events of a run, as stored in its ledger and sent to watchers.
 *
 * - An event is one flat JSON object with its `type`; number and time are sent beside it.
 * - Readers drop unknown fields, so fields can be added.
 * - `progress` is transient: it has number 0 and is never stored.
 */
import { ReportResult, RunResult, TIERS, ValidationResult } from "@gumshoe/config";
import { z } from "zod";

import { RunInputs } from "./run-inputs.js";

const iteration = z.int().min(0);

/** A weight version, and the hash of its weights. */
const weights = z.object({ version: z.int().min(0), digest: z.string() });

const metrics = z.record(z.string(), z.number());

/** Spans of work of the workers, in milliseconds since the epoch; absent in earlier versions. */
const work = z
  .array(
    z.object({
      kind: z.enum(["learning", "reducing", "checkpoint"]),
      workerId: z.string(),
      fromMs: z.number(),
      toMs: z.number(),
      /** Index of the lane; absent for a reducer. */
      lane: z.int().min(0).optional(),
    }),
  )
  .optional();

const runSubmitted = z.object({
  type: z.literal("run-submitted"),
  /** The resolved config. */
  config: z.unknown(),
  /** The run's inputs; absent in ledgers of earlier versions, and when a run is submitted again. */
  inputs: RunInputs.optional(),
});

/**
 * The run was forked: the events before this one, but for its submission, are those of another run, whose weights
 * after an iteration it continues with.
 */
const runForked = z.object({
  type: z.literal("run-forked"),
  /** The other run. */
  run: z.string(),
  /** Iterations that the two runs share. */
  iteration,
  /** Hash of the weights after them. */
  digest: z.string(),
});

/** The run's inputs, recorded by a resume because an earlier version had not recorded them. */
const inputsRecorded = z.object({ type: z.literal("inputs-recorded"), inputs: RunInputs });

const runStarted = z.object({ type: z.literal("run-started"), weights });

/** The coordinator, or a user, resumed the run. */
/** Priorities are from -100 to 100. */
export const MAX_PRIORITY = 100;

/** The run was preempted: it waits until it is scheduled again. */
const runPaused = z.object({ type: z.literal("run-paused"), weights });

/** A user changed the run's priority. */
const runPrioritized = z.object({
  type: z.literal("run-prioritized"),
  priority: z.int().min(-MAX_PRIORITY).max(MAX_PRIORITY),
});

const runResumed = z.object({ type: z.literal("run-resumed"), weights });

const iterationPlanned = z.object({
  type: z.literal("iteration-planned"),
  iteration,
  /** Content hashes of the tasks, in task order. */
  tasks: z.array(z.string()),
  /** Tier of its cases, if a curriculum decides it. */
  tier: z.enum(TIERS).optional(),
  weights,
});

/** Dynamic sampling: further tasks are sampled in place of groups that have no gradient. */
const groupsReplaced = z.object({
  type: z.literal("groups-replaced"),
  iteration,
  /** Indexes of the groups, in task order. */
  groups: z.array(z.int().min(0)),
  /** Content hashes of the tasks that take their place, as many. */
  tasks: z.array(z.string()),
});

const groupDone = z.object({
  type: z.literal("group-done"),
  groupKey: z.string(),
  /** SHA-256 of the group's bytes: its name in the blob store. */
  blob: z.string(),
  /** Mean over the scored rollouts; null when none could be scored. */
  meanReward: z.number().nullable(),
  rewards: z.array(z.number().nullable()),
  /**
   * Whether the scored answers are trained on with equal rewards, so that there is no gradient; only
   * there in runs with dynamic sampling, a length penalty, or rewards that are normalised apart.
   */
  equalRewards: z.boolean().optional(),
  /** Number of sampled tokens. */
  tokens: z.int().min(0),
  workerId: z.string(),
  /** Number of rollouts by how they ended. */
  finishes: z.record(z.string(), z.int()),
  /** Time the worker spent on grading. */
  gradingMs: z.number().min(0).optional(),
  /** Time from taking the job until the group was handed in. */
  ageMs: z.number().min(0).optional(),
  /** Why the first answer without a reward could not be scored. */
  unscoredReason: z.string().optional(),
});

const iterationSampled = z.object({
  type: z.literal("iteration-sampled"),
  iteration,
  meanReward: z.number().nullable(),
  rollouts: z.int().min(0),
  tokens: z.int().min(0),
  seconds: z.number().min(0),
  metrics: metrics.optional(),
});

const updateDone = z.object({
  type: z.literal("update-done"),
  iteration,
  /** The update that was made: from weight version `update` to `update + 1`. */
  update: z.int().min(0),
  /** The resulting weights. */
  weights,
  /** L2 norm before clipping. */
  gradNorm: z.number(),
  lr: z.number(),
  /** Largest log-prob difference between sampler and trainer, in nats; null if undefined. */
  logprobGapMax: z.number().nullable(),
  metrics,
  work,
});

const validationDone = z.object({ type: z.literal("validation-done"), ...ValidationResult.shape });

/** The weights that the run ends with were measured on the tasks of its report. */
const reportDone = z.object({ type: z.literal("report-done"), ...ReportResult.shape });

const checkpointWritten = z.object({
  type: z.literal("checkpoint-written"),
  iteration,
  version: z.int().min(0),
  folder: z.string(),
  digest: z.string(),
  work,
});

const iterationDone = z.object({ type: z.literal("iteration-done"), iteration, metrics });

/** An example answer, sent occasionally. */
const example = z.object({
  type: z.literal("example"),
  iteration,
  prompt: z.string(),
  reply: z.string(),
  reward: z.number().nullable(),
});

const workerLost = z.object({
  type: z.literal("worker-lost"),
  workerId: z.string(),
  role: z.string(),
  /** Key of the current job; empty for none. */
  job: z.string(),
  jobAgeMs: z.number().min(0),
  /** How its process ended, in words; absent where no supervisor has said so. */
  cause: z.string().optional(),
  /**
   * Since when it did what it was lost at: its job, its range of the parameters, or its membership. Only
   * there where the run had work for its role; absent for a loss that kept the run from nothing.
   */
  sinceMs: z.number().min(0).optional(),
  /** Lanes that were done since the first update, those of an update made again included. */
  lanesDone: z.int().min(0).optional(),
});

/** How the process of a worker ended that was recorded as lost before, as its supervisor says. */
const workerEnded = z.object({
  type: z.literal("worker-ended"),
  workerId: z.string(),
  role: z.string(),
  cause: z.string(),
});

/** A sign that the run's settings may damage the model; it does not affect the run. */
const warning = z.object({
  type: z.literal("warning"),
  iteration,
  /** Kind of the warning: policy-kl, gradient-norm, validation-below-start. */
  code: z.string(),
  message: z.string(),
});

const runDone = z.object({ type: z.literal("run-done"), result: RunResult });

const runFailed = z.object({
  type: z.literal("run-failed"),
  error: z.string(),
  /** One of core's error codes. */
  code: z.string().optional(),
});

/** Processes of one role died again and again without any progress between. */
const runStuck = z.object({
  type: z.literal("run-stuck"),
  role: z.string(),
  /** Deaths in a row. */
  deaths: z.int().min(1),
  /** How the last one ended, in words. */
  cause: z.string(),
  /** The whole of it in words, with what to do. */
  error: z.string(),
});

const runCancelled = z.object({ type: z.literal("run-cancelled") });

const progress = z.object({
  type: z.literal("progress"),
  phase: z.enum(["waiting", "sampling", "learning", "validating", "checkpoint"]),
  iteration,
  done: z.int().min(0),
  total: z.int().min(0),
  tokensPerSecond: z.number().min(0).optional(),
  /** Description of what the run waits for. */
  note: z.string().optional(),
});

/** Any event of a run. */
export const RunEventBody = z.discriminatedUnion("type", [
  runSubmitted,
  runForked,
  inputsRecorded,
  runStarted,
  runResumed,
  runPaused,
  runPrioritized,
  iterationPlanned,
  groupsReplaced,
  groupDone,
  iterationSampled,
  updateDone,
  validationDone,
  reportDone,
  checkpointWritten,
  iterationDone,
  example,
  workerLost,
  workerEnded,
  warning,
  runDone,
  runFailed,
  runStuck,
  runCancelled,
  progress,
]);
/** Any event of a run. */
export type RunEventBody = z.infer<typeof RunEventBody>;

/** The type of an event. */
export type RunEventType = RunEventBody["type"];

/** The event of one type. */
export type RunEventOf<T extends RunEventType> = Extract<RunEventBody, { type: T }>;

/** Events after which a watch ends. */
export const FINAL_EVENTS: readonly RunEventType[] = [
  "run-done",
  "run-failed",
  "run-stuck",
  "run-cancelled",
];
