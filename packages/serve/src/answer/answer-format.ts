import type { AnswerPart, FinishReason } from "./answer.js";

/** What a request wants to know of each token. */
export interface FormatOptions {
  /** Alternatives beside the log-prob of each token; null if no log-probs are wanted. */
  readonly logprobs: number | null;
  /** Returns the prompt's token ids by the number of an answer; null if no ids are sent. */
  readonly promptIds: ((index: number) => readonly number[]) | null;
}

/** The JSON of the answers of one route. */
export interface AnswerFormat {
  /** Type of a whole answer, and of a chunk of a stream. */
  readonly object: string;
  readonly chunkObject: string;
  readonly idPrefix: string;
  /** Returns the first choice of a stream for an answer; null if a stream begins with text. */
  opening(index: number): unknown;
  /** Returns the choice of a chunk. */
  chunk(index: number, part: AnswerPart, finish: FinishReason | null): unknown;
  /** Returns the choice of a whole answer, with the prompt's ids if ids are sent. */
  choice(index: number, part: AnswerPart, finish: FinishReason): unknown;
}
