import type { ServedModel } from "../engine/served-model.js";
import type { AnswerPart, FinishReason, PlacedToken } from "./answer.js";
import type { AnswerFormat, FormatOptions } from "./answer-format.js";

/** Writes answers in the shape of `text_completion`. */
export class CompletionFormat implements AnswerFormat {
  readonly object = "text_completion";
  readonly chunkObject = "text_completion";
  readonly idPrefix = "cmpl-";
  readonly #model: Pick<ServedModel, "texts">;
  readonly #options: FormatOptions;

  constructor(model: Pick<ServedModel, "texts">, options: FormatOptions) {
    this.#model = model;
    this.#options = options;
  }

  opening(): null {
    return null;
  }

  chunk(index: number, part: AnswerPart, finish: FinishReason | null): unknown {
    return this.#write(index, part, finish);
  }

  choice(index: number, part: AnswerPart, finish: FinishReason): unknown {
    const { promptIds } = this.#options;
    const prompt = promptIds === null ? {} : { prompt_token_ids: promptIds(index) };
    return { ...this.#write(index, part, finish), ...prompt };
  }

  #write(index: number, { text, tokens }: AnswerPart, finish: FinishReason | null): object {
    const ids =
      this.#options.promptIds === null ? {} : { token_ids: tokens.map(({ token }) => token) };
    return { index, text, logprobs: this.#logprobs(tokens), finish_reason: finish, ...ids };
  }

  #logprobs(tokens: readonly PlacedToken[]): unknown {
    const { logprobs } = this.#options;
    if (logprobs === null) return null;
    return {
      tokens: tokens.map(({ token }) => this.#model.texts.get(token).text),
      token_logprobs: tokens.map(({ logprob }) => logprob),
      top_logprobs: logprobs === 0 ? null : tokens.map((token) => this.#alternatives(token)),
      text_offset: tokens.map(({ offset }) => offset),
    };
  }

  /** Returns log-probs by text: of the likeliest tokens, and of the token itself; null where nothing predicts it. */
  #alternatives({ token, logprob, alternatives }: PlacedToken): object | null {
    if (logprob === null) return null;
    const isThere = alternatives.some((other) => other.token === token);
    const all = isThere ? alternatives : [...alternatives, { token, logprob }];
    const byText = new Map<string, number>();
    for (const other of all) {
      const { text } = this.#model.texts.get(other.token);
      // Parts of characters, and some special tokens, have one text.
      byText.set(byText.has(text) ? `token_id:${other.token}` : text, other.logprob);
    }
    return Object.fromEntries(byText);
  }
}
