import { IncrementalDecoder, type TokenAlternative, type Tokenizer } from "@gumshoe/engine";

import type { AnswerToken } from "../engine/token-rows.js";
import { StopCutter } from "./stop-cutter.js";

/** A token, and what is known of its probability. */
export interface KnownToken {
  readonly token: number;
  /** In nats; a float32. Null for the first token of a prompt, which nothing predicts. */
  readonly logprob: number | null;
  /** The likeliest tokens in its place, in descending order. */
  readonly alternatives: readonly TokenAlternative[];
}

/** A token of an answer, with the place of its text. */
export interface PlacedToken extends KnownToken {
  /** Characters of the answer's text before it. */
  readonly offset: number;
}

/** Text of an answer that can be sent, with the tokens that it came from. */
export interface AnswerPart {
  readonly text: string;
  readonly tokens: readonly PlacedToken[];
}

/** Why an answer ended, in OpenAI's terms. */
export type FinishReason = "stop" | "length";

/** One answer, as its tokens come: its text, up to a stop string, and its tokens up to the one that completed it. */
export class Answer {
  /** Null while it goes on. */
  finish: FinishReason | null = null;
  numTokens = 0;
  readonly #decoder: IncrementalDecoder;
  readonly #cutter: StopCutter;
  #numCharacters = 0;
  #text = "";
  #tokens: PlacedToken[] = [];

  constructor(tokenizer: Tokenizer, stops: readonly string[]) {
    this.#decoder = new IncrementalDecoder((ids) =>
      tokenizer.decode(ids, { skipSpecialTokens: true }),
    );
    this.#cutter = new StopCutter(stops);
  }

  /**
   * Begins it with its prompt, whose tokens are not counted, and in which no stop string is searched.
   *
   * @param tokens  all tokens of the prompt, in order, before the first of the answer
   */
  echo(tokens: readonly KnownToken[]): void {
    for (const token of tokens) {
      this.#tokens.push({ ...token, offset: this.#numCharacters });
      this.#echoText(this.#decoder.push(token.token));
    }
  }

  /** Ends it without a token of its own. */
  endAtPrompt(): void {
    this.#echoText(this.#decoder.flush());
    this.finish = "length";
  }

  /** Adds a token. One that comes after the end, because the sampler did not know of it yet, is dropped. */
  push({ token, logprob, finish, alternatives }: AnswerToken): void {
    if (this.finish !== null) return;
    this.numTokens += 1;
    this.#tokens.push({ token, logprob, alternatives, offset: this.#numCharacters });
    this.#add(this.#decoder.push(token));
    if (finish !== null && !this.#cutter.isStopped) this.#add(this.#decoder.flush());
    if (this.#cutter.isStopped) this.finish = "stop";
    else if (finish !== null) {
      this.#text += this.#cutter.flush();
      this.finish = finish === "length" ? "length" : "stop";
    }
  }

  /** Returns what can be sent and was not yet: null for nothing, unless the answer has ended. */
  take(): AnswerPart | null {
    if (this.#text === "" && this.finish === null) return null;
    const part = { text: this.#text, tokens: this.#tokens };
    this.#text = "";
    this.#tokens = [];
    return part;
  }

  #echoText(text: string): void {
    this.#numCharacters += text.length;
    this.#text += text;
  }

  #add(text: string): void {
    this.#numCharacters += text.length;
    this.#text += this.#cutter.push(text);
  }
}
