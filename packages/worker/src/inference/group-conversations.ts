import { type SampledRollout, turnCodec } from "@gumshoe/engine";
import { Conversation, type RunEnvironment, transcript } from "@gumshoe/environments";
import {
  floatsToBytes,
  type GroupSpec,
  type RolloutResult,
  tokensToBytes,
  withRewards,
} from "@gumshoe/protocol";

import { type ConversationTurn } from "../engine/calls.js";
import { type RunAssets } from "../session/run-assets.js";
import { unlessAborted } from "./grade-rollouts.js";
import { type GradingClock } from "./grading-clock.js";

/** What the conversations of a group need. */
export interface GroupContext {
  readonly environment: Pick<RunEnvironment, "readTask" | "step">;
  readonly assets: Pick<RunAssets, "tokenizer" | "config">;
  readonly clock: GradingClock;
  readonly signal: AbortSignal;
}

/** The conversations of a group's answers, each with the environment of its task. */
export class GroupConversations {
  readonly #context: GroupContext;
  readonly #conversations: readonly Conversation[];
  /** Time of the environment, in ms. */
  #ms = 0;

  constructor(
    { taskJson, count, turns }: Pick<GroupSpec, "taskJson" | "count" | "turns">,
    context: GroupContext,
  ) {
    const { environment, assets } = context;
    const task = environment.readTask(taskJson.toString());
    const { tokenizer, config } = assets;
    const { template: variables, date } = config.tasks;
    const codec = turnCodec(tokenizer, task.messages, { variables, date });
    const maxTurns = turns?.max ?? 1;
    this.#context = context;
    this.#conversations = Array.from(
      { length: count },
      () => new Conversation({ environment, task, codec, maxTurns }),
    );
  }

  /** Returns the tokens that follow a turn of an answer; null when it ends there. */
  take({ rollout, tokens, finish, room }: ConversationTurn): Promise<number[] | null> {
    return this.#take(rollout, { tokens, finish, room });
  }

  /**
   * Grades the answers that the sampler has ended, with their last turns.
   *
   * @returns  the results of the whole group, and the time that the environment took
   */
  async finish(
    sampled: readonly SampledRollout[],
  ): Promise<{ value: RolloutResult[]; ms: number }> {
    await Promise.all(
      sampled.map(async ({ tokens, segments = [tokens.length], finish }, rollout) => {
        if (this.#at(rollout).grade !== null) return;
        const last = tokens.subarray(tokens.length - (segments.at(-1) ?? 0));
        await this.#take(rollout, { tokens: last, finish, room: 0 });
      }),
    );
    return { value: sampled.map((one, rollout) => this.#result(one, rollout)), ms: this.#ms };
  }

  async #take(
    rollout: number,
    turn: Parameters<Conversation["take"]>[0],
  ): Promise<number[] | null> {
    const { clock, signal } = this.#context;
    const work = () => unlessAborted(this.#at(rollout).take(turn), signal);
    const { value, ms } = await clock.measure(work);
    this.#ms += ms;
    return value;
  }

  #result(sampled: SampledRollout, rollout: number): RolloutResult {
    const { tokens, segments = [], logprobs, finish } = sampled;
    const { messages, grade } = this.#at(rollout);
    if (grade === null) throw new Error(`answer ${rollout} was not graded`);
    return {
      tokens: tokensToBytes(tokens),
      logprobs: floatsToBytes(logprobs),
      finish,
      text: transcript(messages),
      reward: grade.reward ?? undefined,
      gradingError: grade.reward === null ? grade.reason : "",
      metrics: withRewards(grade.metrics, grade.reward === null ? {} : grade.rewards),
      segments: [...segments],
      messages: messages.map(({ role, content }) => ({ role, content })),
    };
  }

  #at(rollout: number): Conversation {
    const conversation = this.#conversations[rollout];
    if (conversation === undefined) throw new Error(`the group has no answer ${rollout}`);
    return conversation;
  }
}
