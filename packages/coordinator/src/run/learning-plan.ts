import { Rng } from "@gumshoe/core";
import {
  assignLanes,
  type Group,
  type LossConfig,
  type Pack,
  planUpdates,
  type RolloutCounts,
  type TrainingLoss,
} from "@gumshoe/grpo";
import { type RunConfig } from "@gumshoe/protocol";
import { carelessReply, goldReply, type Task } from "@gumshoe/puzzles";

import { type GroupPlan } from "./group-specs.js";
import { type RunModel } from "./run-model.js";
import { type RunRecord } from "./run-record.js";
import { readGroup } from "./stored-group.js";
import { type TaskPlan } from "./task-plan.js";

/** Keeps careless answers apart from other uses of the run's seed. */
const CARELESS_STREAM = 3;
/** Cases made before other work of the process gets a turn. */
const CASES_PER_TURN = 8;

type GrpoConfig = Extract<RunConfig, { type: "grpo" }>;
type SftConfig = Extract<RunConfig, { type: "sft" }>;

/** What one iteration learns: the packs of its updates, and counts of its rollouts. */
export interface Lessons {
  /** Per update its lanes, per lane its packs in order. */
  readonly updates: readonly (readonly (readonly Pack[])[])[];
  readonly counts: RolloutCounts | null;
}

/** The loss that a run's gradient jobs compute. */
export function lossOf(config: RunConfig): TrainingLoss {
  if (config.type === "sft") return { policy: "cross-entropy" };
  const { truncated: _truncated, ...loss } = config.loss;
  return loss satisfies LossConfig;
}

/** Reads the groups of an iteration and makes its updates: a pure function of what was sampled. */
export async function lessonsFromGroups(
  record: RunRecord,
  config: GrpoConfig,
  plans: readonly GroupPlan[],
): Promise<Lessons> {
  const groups: Group[] = [];
  for (const plan of plans) {
    const blob = record.state.groups.get(plan.groupKey) ?? "";
    groups.push(readGroup(await record.blobs.get(blob), plan.promptTokens));
  }
  const { updates, counts } = planUpdates(groups, {
    advantage: config.advantage,
    truncated: config.loss.truncated,
    aggregation: config.loss.aggregation,
    updatesPerIteration: config.updatesPerIteration,
    lanes: config.lanes,
    maxPackTokens: config.maxPackTokens,
  });
  return { updates: updates.map(({ lanes }) => lanes), counts };
}

/** Makes the updates of a supervised iteration from its tasks and their given answers. */
export async function lessonsFromExamples(
  config: SftConfig,
  tasks: TaskPlan,
  where: { iteration: number; model: RunModel },
): Promise<Lessons> {
  const { perUpdate } = config.examples;
  const updates: Pack[][][] = [];
  for (let u = 0; u < config.updatesPerIteration; u++) {
    const first = (where.iteration * config.updatesPerIteration + u) * perUpdate;
    const packs: Pack[] = [];
    for (let i = 0; i < perUpdate; i++) {
      packs.push(examplePack(config, tasks.task(first + i), { index: first + i, ...where }));
      if (i % CASES_PER_TURN === CASES_PER_TURN - 1) await nextTurn();
    }
    const targets = packs.reduce((sum, { answers }) => sum + (answers[0]?.tokens.length ?? 0), 0);
    const weighed = packs.map((pack) => ({
      ...pack,
      answers: pack.answers.map((answer) => ({ ...answer, weight: 1 / targets })),
    }));
    updates.push(assignLanes(weighed, config.lanes));
  }
  return { updates, counts: null };
}

function examplePack(
  config: SftConfig,
  task: Task,
  where: { index: number; model: RunModel },
): Pack {
  const { tokenizer } = where.model;
  const { answers } = config.examples;
  const reply =
    answers.type === "gold"
      ? goldReply(task.solution)
      : carelessReply(task, new Rng(config.seed, CARELESS_STREAM, where.index), answers.share);
  const [stop] = tokenizer.stopTokenIds;
  const tokens = [...tokenizer.encode(reply), ...(stop === undefined ? [] : [stop])];
  return {
    groupKey: `example ${where.index}`,
    promptTokens: Int32Array.from(tokenizer.encodeChat(task.messages)),
    answers: [
      {
        rollout: 0,
        tokens: Int32Array.from(tokens),
        logprobs: new Float32Array(0),
        advantage: 0,
        weight: 0,
      },
    ],
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
