import { type SampledRollout, turnCodec } from "@gumshoe/engine";
import { Conversation, type RunEnvironment, transcript } from "@gumshoe/environments";
import type { GroupSpec, RolloutResult } from "@gumshoe/protocol";

import type { ConversationTurn } from "../engine/calls.js";
import type { RunAssets } from "../session/run-assets.js";
import { rolloutResult, unlessAborted } from "./grade-rollouts.js";
import type { GradingClock } from "./grading-clock.js";

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
  take({ rollout, ...turn }: ConversationTurn): Promise<number[] | null> {
    return this.#measured(() => this.#at(rollout).take(turn));
  }

  /**
   * Grades the answers that the sampler has ended, with their last turns.
   *
   * @returns  the results of the whole group, and the time that the environment took
   */
  async finish(
    sampled: readonly SampledRollout[],
  ): Promise<{ value: RolloutResult[]; ms: number }> {
    const value = await Promise.all(
      sampled.map(async (one, rollout) => {
        const conversation = this.#at(rollout);
        const grade = await this.#measured(() => conversation.finish(one));
        const messages = conversation.messages.map(({ role, content }) => ({ role, content }));
        return rolloutResult(one, grade, { text: transcript(messages), messages });
      }),
    );
    return { value, ms: this.#ms };
  }

  async #measured<T>(work: () => Promise<T>): Promise<T> {
    const { clock, signal } = this.#context;
    const { value, ms } = await clock.measure(() => unlessAborted(work(), signal));
    this.#ms += ms;
    return value;
  }

  #at(rollout: number): Conversation {
    const conversation = this.#conversations[rollout];
    if (conversation === undefined) throw new Error(`the group has no answer ${rollout}`);
    return conversation;
  }
}
