/** Decodes token ids to the text in which stop strings are searched. */
export type DecodeText = (ids: readonly number[]) => string;

/** The replacement character: at the end of a text it may be the first bytes of a character. */
const REPLACEMENT = "\ufffd";
/** Tokens after which a text that ends within a character is taken as it is: no character has more bytes. */
const MAX_OPEN_TOKENS = 4;

/**
 * Searches the text of one answer for stop strings, token by token.
 *
 * - The text is that of the tokens decoded one after another; a character counts from the token that completes it.
 * - It depends on the answer's tokens only.
 * - A decoder may treat the first token in another way, so each piece is decoded behind the piece before it.
 */
export class StopStrings {
  readonly #strings: readonly string[];
  readonly #decode: DecodeText;
  readonly #keptLength: number;
  /** Ids of the last piece, whose text is known, and of the next one. */
  #ids: number[] = [];
  #numKnown = 0;
  #known = "";
  /** End of the text so far: as much as a stop string can begin in. */
  #tail = "";

  constructor(strings: readonly string[], decode: DecodeText) {
    this.#strings = strings;
    this.#decode = decode;
    this.#keptLength = strings.reduce((most, { length }) => Math.max(most, length), 1) - 1;
  }

  /** Adds the next token; returns whether a stop string ends in the text that it adds. */
  push(token: number): boolean {
    this.#ids.push(token);
    const text = this.#nextPiece();
    if (text === null) return false;
    const before = this.#tail.length;
    const searched = this.#tail + text;
    this.#tail = this.#keptLength === 0 ? "" : searched.slice(-this.#keptLength);
    return this.#strings.some((string) =>
      searched.includes(string, Math.max(0, before - string.length + 1)),
    );
  }

  /** Returns the text that new tokens add; null while they end within a character. */
  #nextPiece(): string | null {
    const text = this.#decode(this.#ids);
    const numOpen = this.#ids.length - this.#numKnown;
    if (text.endsWith(REPLACEMENT) && numOpen < MAX_OPEN_TOKENS) return null;
    const piece = text.slice(this.#known.length);
    this.#ids = this.#ids.slice(this.#numKnown);
    this.#numKnown = this.#ids.length;
    this.#known = this.#decode(this.#ids);
    return piece;
  }
}
