/** How answers are sampled. */
export interface SamplingOptions {
  /** Answers to each prompt. */
  readonly samples: number;
  /** 0: always the most likely token. */
  readonly temperature: number;
  readonly maxAnswerTokens: number;
  readonly seed: number;
}

/** The prompts to be answered. */
export interface Questions {
  readonly prompts: readonly string[];
  /** Whether an answer is there already, from an evaluation that was interrupted. */
  readonly isKnown: (index: number, sample: number) => boolean;
}

/** An answer, or the reason why there is none that can be scored. */
export type AnswerOutcome =
  | {
      readonly type: "answer";
      readonly reply: string;
      /** `length`: the length limit cut it off; `refusal`: the model declined to answer. */
      readonly finish: "stop" | "length" | "refusal";
    }
  | {
      readonly type: "failure";
      readonly reason: string;
      /** Whether a reply came, and was paid, that cannot be scored: asking again would cost again. */
      readonly isPaid: boolean;
    };

/** An answer to one of the prompts. */
export interface SourcedAnswer {
  /** Which prompt. */
  readonly index: number;
  /** Which of the answers to it, from 0. */
  readonly sample: number;
  readonly outcome: AnswerOutcome;
  /**
   * Prompt tokens that were read for it, and tokens that were sampled, thoughts included; a prompt shared
   * by several answers counts once. Null where a reply came without saying how many they are.
   */
  readonly tokens: { readonly prompt: number; readonly answer: number } | null;
}

/** Answers prompts: a model in this process, or an endpoint. */
export interface AnswerSource {
  /**
   * Answers every prompt `samples` times, but for what is known, in any order. A single answer that
   * fails is an outcome; an error says that no further answer can come.
   */
  answer(
    questions: Questions,
    options: SamplingOptions,
    signal: AbortSignal,
  ): AsyncIterable<SourcedAnswer>;
  close(): void;
}
