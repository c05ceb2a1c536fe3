import type { TurnsConfig } from "@gumshoe/config";
import type { ConversationOptions } from "@gumshoe/environments";
import type { Message, TaskGrade } from "@gumshoe/puzzles";

import type { SamplingLimits } from "./sampling-limits.js";

/** How answers are sampled. */
export interface SamplingOptions {
  /** Answers per prompt. */
  readonly samples: number;
  /** 0 for greedy sampling. */
  readonly temperature: number;
  readonly maxAnswerTokens: number;
  readonly seed: number;
  /** Top-k, top-p and so on; empty for none. */
  readonly limits: SamplingLimits;
  /** Limits of answers of several turns; absent for answers of one. */
  readonly turns?: TurnsConfig;
}

/** Returns what the answers to a prompt of several turns are made with. */
export type ConversationOf = (index: number) => Pick<ConversationOptions, "environment" | "task">;

/** The prompts to answer. */
export interface Questions {
  /** Each prompt as a chat. */
  readonly messages: readonly (readonly Message[])[];
  /** Whether an answer exists already, from an interrupted evaluation. */
  readonly isKnown: (index: number, sample: number) => boolean;
  /** Null when prompts have one reply. */
  readonly conversationOf: ConversationOf | null;
}

/** An answer, or the reason why it cannot be scored. */
export type AnswerOutcome =
  | {
      readonly type: "answer";
      readonly reply: string;
      /** `length`: truncated at the length limit; `refusal`: the model declined to answer. */
      readonly finish: "stop" | "length" | "refusal";
      /** Of an answer of several turns, which is graded in the course of it; absent: the reply is to be graded. */
      readonly grade?: TaskGrade;
    }
  | {
      readonly type: "failure";
      readonly reason: string;
      /**
       * Whether a reply was received, and charged, that cannot be scored: a retry would be charged
       * again.
       */
      readonly isPaid: boolean;
    };

/** An answer to one of the prompts. */
export interface SourcedAnswer {
  /** Index of the prompt. */
  readonly index: number;
  /** Index of the answer among those to the prompt, from 0. */
  readonly sample: number;
  readonly outcome: AnswerOutcome;
  /**
   * Number of prompt tokens and of sampled tokens, reasoning included; a prompt shared by several
   * answers counts once. Null for a reply without token counts.
   */
  readonly tokens: { readonly prompt: number; readonly answer: number } | null;
}

/** Answers prompts, by a model in this process or by an endpoint. */
export interface AnswerSource {
  /**
   * Answers every prompt `samples` times, except for known answers, in any order. A single failed
   * answer is an outcome; a thrown error means that no further answer is possible.
   */
  answer(
    questions: Questions,
    options: SamplingOptions,
    signal: AbortSignal,
  ): AsyncIterable<SourcedAnswer>;
  close(): void;
}
