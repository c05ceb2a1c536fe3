import type { Tokenizer } from "@gumshoe/engine";

/** The text of a token alone. */
export interface TokenText {
  readonly text: string;
  /** UTF-8; null for a token that is a part of a character, whose bytes the text does not show. */
  readonly bytes: readonly number[] | null;
}

/** The texts of single tokens, special ones included. */
export class TokenTexts {
  readonly #tokenizer: Tokenizer;
  /** At most one entry for each id of the vocabulary. */
  readonly #known = new Map<number, TokenText>();

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  get(token: number): TokenText {
    const known = this.#known.get(token);
    if (known !== undefined) return known;
    // As the second of two, so that a decoder that strips the space of a first token keeps it.
    const one = this.#tokenizer.decode([token]);
    const text = this.#tokenizer.decode([token, token]).slice(one.length);
    const made = { text, bytes: text.includes("\ufffd") ? null : [...Buffer.from(text)] };
    this.#known.set(token, made);
    return made;
  }
}
