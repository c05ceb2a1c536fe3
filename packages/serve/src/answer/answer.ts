import { IncrementalDecoder, type Tokenizer } from "@gumshoe/engine";

import type { AnswerToken } from "../engine/sampler-thread.js";
import { StopCutter } from "./stop-cutter.js";

/** A token of an answer, with the place of its text. */
export interface PlacedToken {
  readonly token: number;
  /** In nats; a float32. */
  readonly logprob: number;
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

  /** Adds a token. One that comes after the end, because the sampler did not know of it yet, is dropped. */
  push({ token, logprob, finish }: AnswerToken): void {
    if (this.finish !== null) return;
    this.numTokens += 1;
    this.#tokens.push({ token, logprob, offset: this.#numCharacters });
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

  #add(text: string): void {
    this.#numCharacters += text.length;
    this.#text += this.#cutter.push(text);
  }
}
