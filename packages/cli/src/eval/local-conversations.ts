import {
  type ChatOptions,
  type SampledRollout,
  type Tokenizer,
  type TurnEnd,
  turnCodec,
} from "@gumshoe/engine";
import { Conversation, transcript } from "@gumshoe/environments";

import type { AnswerOutcome, ConversationOf } from "./answer-source.js";

/** What conversations are held with. */
interface LocalOptions {
  readonly tokenizer: Tokenizer;
  readonly chat: ChatOptions;
  readonly conversationOf: ConversationOf;
  readonly maxTurns: number;
  /** Continues an answer of the sampler; null ends it. */
  readonly resume: (id: string, rollout: number, given: readonly number[] | null) => void;
}

/** The conversations of all requests in a sampler, by the index of their prompt. */
export class LocalConversations {
  readonly #options: LocalOptions;
  readonly #conversations = new Map<string, Conversation>();
  /** Turns that the environment has not answered yet. */
  readonly #open = new Set<Promise<void>>();

  constructor(options: LocalOptions) {
    this.#options = options;
  }

  /** Takes turns that have ended; the sampler goes on with other answers meanwhile. */
  take(turns: readonly TurnEnd[]): void {
    for (const turn of turns) {
      const { id, rollout } = turn;
      const answered = this.#of(id, rollout)
        .take(turn)
        .then((given) => this.#options.resume(id, rollout, given));
      this.#open.add(answered);
      // A failure is thrown by `next`, which is awaited as long as any turn is open.
      answered.then(
        () => this.#open.delete(answered),
        () => undefined,
      );
    }
  }

  /** Waits for the next answer of the environment, if any is open. @throws ModuleFailedError */
  async next(): Promise<void> {
    if (this.#open.size > 0) await Promise.race(this.#open);
  }

  /** Returns the outcome of an answer, with its grade. @throws ModuleFailedError */
  async finish(id: string, rollout: number, sampled: SampledRollout): Promise<AnswerOutcome> {
    const conversation = this.#of(id, rollout);
    const grade = await conversation.finish(sampled);
    this.#conversations.delete(`${id}/${rollout}`);
    const finish = sampled.finish === "length" ? "length" : "stop";
    return { type: "answer", reply: transcript(conversation.messages), finish, grade };
  }

  #of(id: string, rollout: number): Conversation {
    const key = `${id}/${rollout}`;
    const known = this.#conversations.get(key);
    if (known !== undefined) return known;
    const { tokenizer, chat, conversationOf, maxTurns } = this.#options;
    const { environment, task } = conversationOf(Number(id));
    const codec = turnCodec(tokenizer, task.messages, chat);
    const conversation = new Conversation({ environment, task, codec, maxTurns });
    this.#conversations.set(key, conversation);
    return conversation;
  }
}
