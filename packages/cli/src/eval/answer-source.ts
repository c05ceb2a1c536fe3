/** How answers are sampled. */
export interface SamplingOptions {
  /** Answers to each prompt. */
  readonly samples: number;
  /** 0: always the most likely token. */
  readonly temperature: number;
  readonly maxAnswerTokens: number;
  readonly seed: number;
}

/** One answer, or the reason why there is none. */
export type AnswerOutcome =
  | {
      readonly type: "answer";
      readonly reply: string;
      readonly answerTokens: number;
      /** Whether the length limit cut it off. */
      readonly truncated: boolean;
    }
  | { readonly type: "failure"; readonly reason: string };

/** An answer to one of the prompts. */
export interface SourcedAnswer {
  /** Which prompt. */
  readonly index: number;
  readonly outcome: AnswerOutcome;
  /** Prompt tokens that were read for it; a prompt shared by several answers counts once. */
  readonly promptTokens: number;
}

/** Something that answers prompts: a model in this process, or an endpoint. */
export interface AnswerSource {
  /** Answers every prompt `samples` times, in any order. What fails is an outcome, not an error. */
  answer(
    prompts: readonly string[],
    options: SamplingOptions,
    signal: AbortSignal,
  ): AsyncIterable<SourcedAnswer>;
  close(): void;
}
