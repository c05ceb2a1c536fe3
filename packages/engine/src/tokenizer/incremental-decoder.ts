/** Decodes token ids to text. */
export type DecodeText = (ids: readonly number[]) => string;

/** What a decoder writes for bytes that are no character yet. */
const REPLACEMENT = "\ufffd";
/**
 * Tokens without a whole character after which what they decode to is taken. A character has four bytes at most, so
 * these are no character, and to hold more of them would decode them again and again.
 */
const MAX_HELD = 16;

/**
 * Decodes a sequence token by token. A character whose bytes are in several tokens comes with the last of them. The text
 * depends on the tokens only.
 *
 * Each step decodes the few tokens since the last whole character, and the piece before them, so that a decoder that treats the
 * first token of a text in another way sees the same first token as in the step before.
 */
export class IncrementalDecoder {
  readonly #decode: DecodeText;
  /** Tokens of the last piece, whose text is known, and those after them. */
  #window: number[] = [];
  #numKnown = 0;
  #known = "";

  constructor(decode: DecodeText) {
    this.#decode = decode;
  }

  /** Adds a token; returns the text that is certain with it. */
  push(token: number): string {
    this.#window.push(token);
    const text = this.#decode(this.#window);
    const numHeld = this.#window.length - this.#numKnown;
    const isWhole = text.length > this.#known.length && !text.endsWith(REPLACEMENT);
    if (!isWhole && numHeld < MAX_HELD) return "";
    const added = text.slice(this.#known.length);
    this.#window = this.#window.slice(this.#numKnown);
    this.#numKnown = this.#window.length;
    this.#known = this.#decode(this.#window);
    return added;
  }

  /** Returns what is left at the end: bytes that became no character. */
  flush(): string {
    return this.#decode(this.#window).slice(this.#known.length);
  }
}
