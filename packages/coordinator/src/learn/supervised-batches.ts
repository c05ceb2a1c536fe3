import { InvalidArgumentError, Rng } from "@gumshoe/core";
import type { Tokenizer } from "@gumshoe/engine";
import type { RunEnvironment } from "@gumshoe/environments";
import { assignLanes, countTargets, type Pack, type SegmentedTokens } from "@gumshoe/grpo";
import type { RunConfig } from "@gumshoe/config";
import { ALL_NAMES, CLASSIC_NAMES, type Task, type Vocabulary } from "@gumshoe/puzzles";

import { encodePacks } from "./encoded-packs.js";
import { goldContext, goldConversation } from "./gold-conversation.js";
import type { TrainingBatch } from "./training-batch.js";
import type { CheckedModel } from "../plan/run-model.js";
import type { TaskPlan } from "../plan/task-plan.js";
import { answerRoom, tokenBudget, type TokenBudget } from "../submission/token-budget.js";
import { writePrompt } from "../plan/write-prompt.js";

// Random streams of replies, separate from the other uses of the run's seed.
const CARELESS_STREAM = 3;
const TRACE_STREAM = 4;
const HASTY_STREAM = 6;

const CARELESS_NAMES: Record<"listed" | "classic" | "all", Vocabulary | null> = {
  listed: null,
  classic: CLASSIC_NAMES,
  all: ALL_NAMES,
};

type SftConfig = Extract<RunConfig, { type: "sft" }>;

/**
 * Makes the updates of supervised iterations from tasks and their reference answers.
 *
 * The next iteration's batch is prepared while the workers compute the current one.
 */
export class SupervisedBatches {
  readonly #config: SftConfig;
  readonly #tasks: TaskPlan;
  readonly #tokenizer: Tokenizer;
  readonly #budget: TokenBudget;
  #ahead: { readonly iteration: number; readonly batch: Promise<TrainingBatch> } | null = null;

  constructor(
    config: SftConfig,
    tasks: TaskPlan,
    model: Pick<CheckedModel, "tokenizer" | "maxPositions">,
  ) {
    this.#config = config;
    this.#tasks = tasks;
    this.#tokenizer = model.tokenizer;
    this.#budget = tokenBudget(config, "train", model.maxPositions);
  }

  /**
   * Returns the batch of an iteration: a pure function of the config, whatever was requested
   * before.
   */
  async of(iteration: number): Promise<TrainingBatch> {
    const ahead = this.#ahead;
    const batch = await (ahead?.iteration === iteration ? ahead.batch : this.#make(iteration));
    const next = iteration + 1;
    if (next < this.#config.iterations && this.#ahead?.iteration !== next) {
      const made = this.#make(next);
      // Awaited later; the empty catch prevents an unhandled rejection if the run ends before.
      made.catch(() => undefined);
      this.#ahead = { iteration: next, batch: made };
    }
    return batch;
  }

  async #make(iteration: number): Promise<TrainingBatch> {
    const { examples, updatesPerIteration, lanes } = this.#config;
    const updates: Uint8Array[][] = [];
    for (let u = 0; u < updatesPerIteration; u++) {
      const first = (iteration * updatesPerIteration + u) * examples.perUpdate;
      const packs = await this.#packs(first, examples.perUpdate);
      updates.push(assignLanes(weigh(packs), lanes).map(encodePacks));
    }
    return { updates, counts: null };
  }

  async #packs(first: number, count: number): Promise<Pack[]> {
    const packs: Pack[] = [];
    for (let index = first; index < first + count; index++) {
      const task = await this.#tasks.task(index);
      packs.push(await this.#pack(task, index));
    }
    return packs;
  }

  async #pack(task: Task, index: number): Promise<Pack> {
    const tokenizer = this.#tokenizer;
    const promptTokens = Int32Array.from(writePrompt(this.#config, tokenizer, task.messages));
    const reply = await this.#reply(task, index, promptTokens.length);
    const answer = { rollout: 0, ...reply, logprobs: new Float32Array(0) };
    return {
      groupKey: `example ${index}`,
      promptTokens,
      answers: [{ ...answer, advantage: 0, weight: 0 }],
    };
  }

  /** Writes what an example is trained on: a reply with its stop token, or a conversation. */
  async #reply(task: Task, index: number, promptLength: number): Promise<SegmentedTokens> {
    const tokenizer = this.#tokenizer;
    const { environment } = this.#tasks;
    const { maxPositions, maxPackTokens } = this.#budget;
    if (environment.step !== undefined) {
      const maxTokens = Math.min(maxPackTokens ?? maxPositions, maxPositions) - promptLength;
      const context = { ...goldContext(this.#config, tokenizer), environment, maxTokens };
      return goldConversation(task, context);
    }
    const reply = await exampleReply(this.#config, environment, { task, index });
    const [stop] = tokenizer.stopTokenIds;
    const tokens = [...tokenizer.encode(reply), ...(stop === undefined ? [] : [stop])];
    const budget = { ...this.#budget, maxAnswerTokens: tokens.length };
    if (answerRoom(task.id, promptLength, budget) < tokens.length) {
      const needed = promptLength + tokens.length;
      const problem = `has ${maxPositions} positions; ${task.id} needs ${needed} with its reply`;
      throw new InvalidArgumentError("model", problem);
    }
    return { tokens: Int32Array.from(tokens) };
  }
}

/** Gives every target token of an update the same weight; they add up to one. */
function weigh(packs: readonly Pack[]): Pack[] {
  const targets = packs.reduce((sum, pack) => sum + countTargets(pack), 0);
  return packs.map((pack) => ({
    ...pack,
    answers: pack.answers.map((answer) => ({ ...answer, weight: 1 / targets })),
  }));
}

/** Writes the reply that an example is trained on. */
async function exampleReply(
  { seed, examples: { answers } }: SftConfig,
  environment: RunEnvironment,
  { task, index }: { task: Task; index: number },
): Promise<string> {
  const reply = () => {
    switch (answers.type) {
      case "gold":
        return environment.goldReply?.(task);
      case "trace":
        if (new Rng(seed, TRACE_STREAM, index).chance(answers.share)) {
          return environment.tracedReply?.(task, answers);
        }
        return answers.hasty === 0
          ? environment.goldReply?.(task)
          : environment.hastyReply?.(task, new Rng(seed, HASTY_STREAM, index), answers.hasty);
      case "careless":
        return environment.carelessReply?.(task, new Rng(seed, CARELESS_STREAM, index), {
          share: answers.share,
          names: CARELESS_NAMES[answers.names],
        });
      default:
        return answers satisfies never;
    }
  };
  const text = await reply();
  // `openEnvironments` has checked that the environment writes these replies.
  if (text === undefined) throw new Error(`the environment writes no ${answers.type} replies`);
  return text;
}
