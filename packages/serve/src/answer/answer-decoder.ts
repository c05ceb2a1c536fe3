import { type Tokenizer } from "@gumshoe/engine";

/** What a decoder writes for bytes that are no character yet. */
const REPLACEMENT = "\ufffd";
/**
 * Tokens without a whole character after which what they decode to is written. A character has four bytes at most, so
 * these are no character, and to hold more of them would decode them again and again.
 */
const MAX_HELD = 16;

/**
 * Decodes the tokens of an answer as they come. A character whose bytes are in several tokens comes with the last of
 * them.
 *
 * Each step decodes the few tokens since the last whole character, and some before them, so that a decoder that treats
 * the first token of a text in another way sees the same first token as in the step before.
 */
export class AnswerDecoder {
  readonly #tokenizer: Tokenizer;
  /** Tokens that were written last, and those after them. */
  #window: number[] = [];
  /** Number of tokens in the window that were written. */
  #numWritten = 0;
  /** Their text. */
  #written = "";

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Adds a token; returns the text that is certain with it. Special tokens are no text. */
  push(token: number): string {
    this.#window.push(token);
    const text = this.#decode();
    const numHeld = this.#window.length - this.#numWritten;
    const isWhole = text.length > this.#written.length && !text.endsWith(REPLACEMENT);
    if (!isWhole && numHeld < MAX_HELD) return "";
    const added = text.slice(this.#written.length);
    this.#window = this.#window.slice(this.#numWritten);
    this.#numWritten = this.#window.length;
    this.#written = this.#decode();
    return added;
  }

  /** Returns what is left at the end of the answer: bytes that became no character. */
  flush(): string {
    return this.#decode().slice(this.#written.length);
  }

  #decode(): string {
    return this.#tokenizer.decode(this.#window, { skipSpecialTokens: true });
  }
}
