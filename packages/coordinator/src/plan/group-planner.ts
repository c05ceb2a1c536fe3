import { TimeSlice } from "@gumshoe/core";
import { type RunConfig } from "@gumshoe/config";
import { type GroupKind, type GroupSpec, groupKey } from "@gumshoe/protocol";
import { type Task, taskToJson } from "@gumshoe/puzzles";

import { type RunModel } from "./run-model.js";
import { type Weights } from "../run/run-state.js";
import { Slab } from "../learn/slab.js";
import { type TaskPlan } from "./task-plan.js";
import { answerRoom, tokenBudget, type TokenBudget } from "../submission/token-budget.js";
import { writePrompt } from "./write-prompt.js";

/** Parts of the random key that keep purposes apart. */
const TRAIN_STREAM = 1;
const VALIDATION_STREAM = 2;

/** A group to be sampled, but for the addresses of its weights. Thousands are held at a time. */
export interface GroupPlan extends Omit<
  GroupSpec,
  "weightSources" | "promptTokens" | "taskJson" | "assetsDigest"
> {
  /** [T] i32, in a slab. */
  readonly promptTokens: Int32Array;
  /** The task as JSON text, in a slab. */
  readonly task: Uint8Array;
}

/** A group that an iteration learns from, before its weights are known. */
export interface GroupDraft {
  /** Names its task. */
  readonly contentHash: string;
  readonly plan: Omit<GroupPlan, "weights">;
}

/** Says how the groups of one run are sampled. Pure: the same plan whenever it is asked. */
export class GroupPlanner {
  readonly #config: RunConfig;
  readonly #model: RunModel;
  readonly #digests: TaskPlan["digests"];
  readonly #budgets: Readonly<Record<GroupKind, TokenBudget>>;
  readonly #slab = new Slab();
  /** One list for all groups: there are thousands. */
  readonly #stopTokens: number[];

  constructor(config: RunConfig, model: RunModel, digests: TaskPlan["digests"]) {
    this.#config = config;
    this.#model = model;
    this.#digests = digests;
    const { maxPositions } = model;
    this.#budgets = {
      train: tokenBudget(config, "train", maxPositions),
      validation: tokenBudget(config, "validation", maxPositions),
    };
    this.#stopTokens = [...model.tokenizer.stopTokenIds];
  }

  /**
   * The groups that an iteration learns from, in task order. The tasks are taken one by one, as theirs is
   * the most memory: what a group needs of them is text.
   */
  async train(iteration: number, tasks: AsyncIterable<Task>): Promise<GroupDraft[]> {
    const config = this.#config;
    const drafts: GroupDraft[] = [];
    if (config.type !== "grpo") return drafts;
    const { perTask, temperature, earlyStop } = config.rollouts;
    for await (const task of tasks) {
      const index = drafts.length;
      const plan = {
        ...this.#common(task, iteration, "train"),
        groupKey: groupKey(iteration, "train", index),
        count: perTask,
        temperature,
        seed: [config.seed, TRAIN_STREAM, iteration, index],
        earlyStop: earlyStop ?? undefined,
      };
      drafts.push({ contentHash: task.contentHash, plan });
    }
    return drafts;
  }

  /** The groups of a validation: sampled answers of every task, then its most likely answer. */
  async validation(
    iteration: number,
    tasks: readonly Task[],
    weights: Weights,
  ): Promise<GroupPlan[]> {
    const { validation, seed } = this.#config;
    if (validation === null) return [];
    const temperature = this.#config.type === "grpo" ? this.#config.rollouts.temperature : 1;
    const plan = (task: Task, index: number, count: number, heat: number): GroupPlan => ({
      ...this.#common(task, iteration, "validation"),
      weights,
      groupKey: groupKey(iteration, "validation", index),
      count,
      temperature: heat,
      seed: [seed, VALIDATION_STREAM, iteration, index],
      earlyStop: undefined,
    });
    const { samplesPerTask, greedy } = validation;
    const sampled = await mapInSlices(tasks, (task, i) =>
      plan(task, i, samplesPerTask, temperature),
    );
    if (!greedy) return sampled;
    const likely = await mapInSlices(tasks, (task, i) => plan(task, tasks.length + i, 1, 0));
    return [...sampled, ...likely];
  }

  /** @throws InvalidArgumentError when the task does not fit the model or a pack */
  #common(task: Task, iteration: number, kind: GroupKind) {
    const prompt = writePrompt(this.#config, this.#model.tokenizer, task.messages);
    return {
      run: this.#config.name,
      iteration,
      task: this.#slab.keepText(taskToJson(task)),
      promptTokens: this.#slab.keepTokens(prompt),
      maxAnswerTokens: answerRoom(task.id, prompt.length, this.#budgets[kind]),
      stopTokens: this.#stopTokens,
      environmentDigest: this.#digests[kind],
    };
  }
}

/** Maps thousands of items without keeping the thread. */
export async function mapInSlices<T, R>(
  items: readonly T[],
  map: (item: T, index: number) => R,
): Promise<R[]> {
  const slice = new TimeSlice();
  const mapped: R[] = [];
  for (const [index, item] of items.entries()) {
    mapped.push(map(item, index));
    await slice.yieldWhenOver();
  }
  return mapped;
}
