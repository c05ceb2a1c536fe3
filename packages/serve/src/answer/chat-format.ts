import type { ServedModel } from "../engine/served-model.js";
import type { AnswerPart, FinishReason, PlacedToken } from "./answer.js";
import type { AnswerFormat, FormatOptions } from "./answer-format.js";

/** Writes answers in the shape of `chat.completion` and `chat.completion.chunk`. */
export class ChatFormat implements AnswerFormat {
  readonly object = "chat.completion";
  readonly chunkObject = "chat.completion.chunk";
  readonly idPrefix = "chatcmpl-";
  readonly #model: ServedModel;
  readonly #options: FormatOptions;

  constructor(model: ServedModel, options: FormatOptions) {
    this.#model = model;
    this.#options = options;
  }

  opening(index: number): unknown {
    const delta = { role: "assistant", content: "" };
    return { index, delta, logprobs: null, finish_reason: null };
  }

  chunk(index: number, part: AnswerPart, finish: FinishReason | null): unknown {
    return {
      index,
      delta: part.text === "" ? {} : { content: part.text },
      logprobs: this.#logprobs(part.tokens),
      finish_reason: finish,
      ...this.#ids(part.tokens),
    };
  }

  choice(index: number, { text, tokens }: AnswerPart, finish: FinishReason): unknown {
    return {
      index,
      message: { role: "assistant", content: text, refusal: null },
      logprobs: this.#logprobs(tokens),
      finish_reason: finish,
      ...this.#ids(tokens),
      ...this.#promptIds(index),
    };
  }

  #logprobs(tokens: readonly PlacedToken[]): unknown {
    if (this.#options.logprobs === null) return null;
    const content = tokens.map((token) => ({
      ...this.#describe(token),
      top_logprobs: token.alternatives.map((other) => this.#describe(other)),
    }));
    return { content, refusal: null };
  }

  #describe({ token, logprob }: Pick<PlacedToken, "token" | "logprob">): object {
    const { text, bytes } = this.#model.texts.get(token);
    return { token: text, logprob, bytes };
  }

  #ids(tokens: readonly PlacedToken[]): object {
    return this.#options.promptIds === null ? {} : { token_ids: tokens.map(({ token }) => token) };
  }

  #promptIds(index: number): object {
    const { promptIds } = this.#options;
    return promptIds === null ? {} : { prompt_token_ids: promptIds(index) };
  }
}
