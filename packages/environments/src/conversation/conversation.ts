import { errorMessage } from "@gumshoe/core";
import type { Task, TaskGrade } from "@gumshoe/puzzles";

import type { RunEnvironment } from "../run-environment.js";
import type { ReplyTurn, StepMessage } from "../user-environment.js";

/** Fewest tokens in which another turn fits: one that is given, and one that is sampled. */
const LEAST_ROOM = 2;

/** A message behind the prompt: a reply of the model, or what the environment said to it. */
export interface TurnMessage {
  readonly role: "assistant" | StepMessage["role"];
  readonly content: string;
}

/** Converts between the texts and the tokens of a conversation. */
export interface ConversationCodec {
  decode(tokens: ArrayLike<number>): string;
  /**
   * Returns the tokens between the end of a reply and the beginning of the next.
   *
   * @param before  everything after the prompt, up to the reply
   * @param next    messages that follow it
   */
  encodeTurn(before: readonly TurnMessage[], next: readonly StepMessage[]): number[];
}

/** What a conversation is made of. */
export interface ConversationOptions {
  readonly environment: Pick<RunEnvironment, "step">;
  readonly task: Task;
  readonly codec: ConversationCodec;
  /** Most turns of the model. */
  readonly maxTurns: number;
}

/** A turn of the model. */
export interface SampledTurn {
  /** Sampled ids. */
  readonly tokens: ArrayLike<number>;
  /** How it ended; `stop`: with a stop token. */
  readonly finish: string;
  /** Number of tokens that may follow in the answer, given and sampled together; 0 when it has ended. */
  readonly room: number;
}

/** An answer that the sampler has ended. */
export interface EndedAnswer {
  /** Ids of everything after the prompt. */
  readonly tokens: Int32Array;
  /** Lengths of its parts, alternately sampled and given; absent for a single turn. */
  readonly segments?: readonly number[];
  readonly finish: string;
}

/**
 * The conversation of one answer: the model's replies, and what the environment says to them.
 *
 * - Ids are the truth: what the model sampled and what was given to it is never tokenized again.
 * - It is a function of task and replies: a worker that repeats the job gives the same tokens.
 */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #messages: TurnMessage[] = [];
  #state: unknown = null;
  #turn = 0;
  #grade: TaskGrade | null = null;

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  /** Everything after the prompt, as text. */
  get messages(): readonly TurnMessage[] {
    return this.#messages;
  }

  /** The answer's grade, with the number of turns among its metrics; null while the conversation goes on. */
  get grade(): TaskGrade | null {
    return this.#grade;
  }

  /** The turn of the next reply, and the state that the environment has put it in. */
  get place(): Pick<ReplyTurn, "turn" | "state"> {
    return { turn: this.#turn, state: this.#state };
  }

  /** Number of replies so far. */
  get numTurns(): number {
    return this.#messages.filter(({ role }) => role === "assistant").length;
  }

  /**
   * Takes a turn of the model.
   *
   * @returns the tokens that follow it; null when the answer ends with it, and has its grade
   * @throws  ModuleFailedError when the user's module cannot be run
   */
  async take(sampled: SampledTurn): Promise<number[] | null> {
    const { codec, maxTurns } = this.#options;
    const { tokens, room } = sampled;
    const reply = codec.decode(tokens);
    this.#messages.push({ role: "assistant", content: reply });
    const isLast = room < LEAST_ROOM || this.#turn + 1 >= maxTurns;
    const next = await this.#step(reply, isLast);
    if (next === null) return null;
    const following = this.#encode(next.messages);
    if (following === null) return null;
    // The end token of a turn was sampled with it.
    const isSampled = sampled.finish === "stop" && following[0] === tokens[tokens.length - 1];
    const given = isSampled ? following.slice(1) : following;
    if (given.length + 1 > room) {
      // What the environment says does not fit, so the reply turns out to be the last.
      await this.#step(reply, true);
      return null;
    }
    this.#messages.push(...next.messages);
    this.#state = next.state;
    this.#turn += 1;
    return given;
  }

  /**
   * Grades an answer that the sampler has ended, by its last turn, unless the environment has ended it.
   *
   * @throws ModuleFailedError when the user's module cannot be run
   */
  async finish({ tokens, segments = [tokens.length], finish }: EndedAnswer): Promise<TaskGrade> {
    if (this.#grade === null) {
      const last = tokens.subarray(tokens.length - (segments.at(-1) ?? 0));
      await this.take({ tokens: last, finish, room: 0 });
    }
    if (this.#grade === null) throw new Error("an answer that has ended has a grade");
    return this.#grade;
  }

  async #step(reply: string, isLast: boolean) {
    const { environment, task } = this.#options;
    if (environment.step === undefined) throw new Error("the environment has no turns");
    const turn = { state: this.#state, turn: this.#turn, isLast };
    const result = await environment.step(task, reply, turn);
    if (result.type === "messages") return result;
    this.#grade = {
      ...result.grade,
      metrics: { turns: this.numTurns, ...result.grade.metrics },
    };
    return null;
  }

  /** Encodes what follows a reply; null if the chat template cannot write it. */
  #encode(next: readonly StepMessage[]): number[] | null {
    try {
      return this.#options.codec.encodeTurn(this.#messages, next);
    } catch (error) {
      const reason = `the messages of step() cannot be written: ${errorMessage(error)}`;
      this.#grade = { reward: null, reason, metrics: {} };
      return null;
    }
  }
}

/** Writes a conversation as one text, for people; a single reply is the text itself. */
export function transcript(messages: readonly TurnMessage[]): string {
  return messages
    .map(({ role, content }, i) => (i === 0 ? content : `[${role}]\n${content}`))
    .join("\n\n");
}
