import { TimeSlice } from "@gumshoe/core";
import { heldOutConfig, type HeldOutKind, type RunConfig, turnsOf } from "@gumshoe/config";
import {
  type GroupKind,
  type GroupSpec,
  groupKey,
  type SamplingOptions,
  tokensToBytes,
  type TurnLimits,
} from "@gumshoe/protocol";
import { type Task, taskToJson } from "@gumshoe/puzzles";

import type { RunModel } from "./run-model.js";
import { Slab } from "./slab.js";
import type { TaskPlan } from "./task-plan.js";
import { answerRoom, tokenBudget, type TokenBudget } from "../submission/token-budget.js";
import { writePrompt } from "./write-prompt.js";

/** Stream numbers in the random key: they separate training, validation and report. */
const STREAMS = { train: 1, validation: 2, report: 3 };

/**
 * A group to be sampled: its GroupSpec without the weights and the run's digests. Thousands are
 * held at a time, so their bytes lie in a slab.
 */
export interface GroupPlan extends Omit<
  GroupSpec,
  "weights" | "weightSources" | "assetsDigest" | "runDigest"
> {
  /** Content hash of the task. */
  readonly contentHash: string;
}

/** Plans how the groups of one run are sampled. Pure: repeated calls return the same plan. */
export class GroupPlanner {
  readonly #config: RunConfig;
  readonly #model: RunModel;
  readonly #digests: TaskPlan["digests"];
  readonly #budgets: Readonly<Record<GroupKind, TokenBudget>>;
  readonly #slab = new Slab();
  /** Shared by thousands of groups. */
  readonly #stopTokens: number[];
  readonly #sampling: SamplingOptions | undefined;
  /** Limits of turns, by the kinds of groups that have them. */
  readonly #turns: Readonly<Record<GroupKind, TurnLimits | undefined>>;

  constructor(
    config: RunConfig,
    model: RunModel,
    { digests, inTurns }: Pick<TaskPlan, "digests" | "inTurns">,
  ) {
    this.#config = config;
    this.#model = model;
    this.#digests = digests;
    const limits = turnLimits(config);
    this.#turns = {
      train: inTurns.train ? limits : undefined,
      validation: inTurns.validation ? limits : undefined,
      report: inTurns.report ? limits : undefined,
    };
    const { maxPositions } = model;
    this.#budgets = {
      train: tokenBudget(config, "train", maxPositions),
      validation: tokenBudget(config, "validation", maxPositions),
      report: tokenBudget(config, "report", maxPositions),
    };
    this.#stopTokens = [...model.tokenizer.stopTokenIds];
    this.#sampling = samplingOptions(config);
  }

  /**
   * Plans groups that an iteration learns from, in task order. Streams the tasks: a Task is much
   * larger than the text that its group keeps.
   *
   * @param first  index of the first group in the iteration
   */
  async train(iteration: number, tasks: AsyncIterable<Task>, first = 0): Promise<GroupPlan[]> {
    const config = this.#config;
    const plans: GroupPlan[] = [];
    if (config.type !== "grpo") return plans;
    const { perTask, temperature, earlyStop } = config.rollouts;
    for await (const task of tasks) {
      const index = first + plans.length;
      plans.push({
        ...this.#common(task, iteration, "train"),
        groupKey: groupKey(iteration, "train", index),
        count: perTask,
        temperature,
        seed: [config.seed, STREAMS.train, iteration, index],
        earlyStop: earlyStop ?? undefined,
      });
    }
    return plans;
  }

  /** Plans the groups of a validation or report: sampled answers of every task, then its greedy answer. */
  async heldOut(
    kind: HeldOutKind,
    iteration: number,
    tasks: readonly Task[],
  ): Promise<GroupPlan[]> {
    const settings = heldOutConfig(this.#config, kind);
    if (settings === null) return [];
    const { seed } = this.#config;
    const temperature = this.#config.type === "grpo" ? this.#config.rollouts.temperature : 1;
    const plan = (task: Task, index: number, count: number, heat: number): GroupPlan => ({
      ...this.#common(task, iteration, kind),
      groupKey: groupKey(iteration, kind, index),
      count,
      temperature: heat,
      seed: [seed, STREAMS[kind], iteration, index],
      earlyStop: undefined,
    });
    const { samplesPerTask, greedy } = settings;
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
    const maxAnswerTokens = answerRoom(task.id, prompt.length, this.#budgets[kind]);
    return {
      run: this.#config.name,
      iteration,
      contentHash: task.contentHash,
      taskJson: this.#slab.keep(Buffer.from(taskToJson(task))),
      promptTokens: this.#slab.keep(tokensToBytes(prompt)),
      maxAnswerTokens,
      stopTokens: this.#stopTokens,
      environmentDigest: this.#digests[kind],
      sampling: withinRoom(this.#sampling, maxAnswerTokens),
      turns: this.#turns[kind],
    };
  }
}

/** Returns the restrictions of a run's sampling; undefined if there are none. */
function samplingOptions(config: RunConfig): SamplingOptions | undefined {
  if (config.type !== "grpo") return undefined;
  const { topK, topP, minP, minAnswerTokens, stop } = config.rollouts;
  const given = [topK, topP, minP, minAnswerTokens, stop];
  if (given.every((value) => value === undefined)) return undefined;
  return {
    topK: topK ?? 0,
    topP: topP ?? 1,
    minP: minP ?? 0,
    minAnswerTokens: minAnswerTokens ?? 0,
    stop: stop ?? [],
  };
}

/** Returns the limits of a run's turns; undefined if its config has none. */
function turnLimits(config: RunConfig): TurnLimits | undefined {
  const turns = turnsOf(config);
  return turns === undefined ? undefined : { max: turns.max, maxTokens: turns.maxTokens ?? 0 };
}

/** Limits the minimum length to the room that a long prompt leaves; the tokens that are sampled stay the same. */
function withinRoom(
  options: SamplingOptions | undefined,
  maxAnswerTokens: number,
): SamplingOptions | undefined {
  if (options === undefined || options.minAnswerTokens <= maxAnswerTokens) return options;
  return { ...options, minAnswerTokens: maxAnswerTokens };
}

/** Maps thousands of items, yielding to the event loop between slices. */
async function mapInSlices<T, R>(
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
