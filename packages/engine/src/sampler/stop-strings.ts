import { type DecodeText, IncrementalDecoder } from "../tokenizer/incremental-decoder.js";

/** More and longer stop strings are refused: every token of every answer is compared with all of them. */
export const STOP_STRING_LIMITS = { count: 16, length: 200 } as const;

/**
 * Searches the text of one answer for stop strings, token by token. The text is that of {@link IncrementalDecoder}, so it
 * depends on the answer's tokens only.
 */
export class StopStrings {
  readonly #strings: readonly string[];
  readonly #decoder: IncrementalDecoder;
  readonly #keptLength: number;
  /** End of the text so far: as much as a stop string can begin in. */
  #tail = "";

  constructor(strings: readonly string[], decode: DecodeText) {
    this.#strings = strings;
    this.#decoder = new IncrementalDecoder(decode);
    this.#keptLength = strings.reduce((most, { length }) => Math.max(most, length), 1) - 1;
  }

  /** Adds the next token; returns whether a stop string ends in the text that it adds. */
  push(token: number): boolean {
    const before = this.#tail.length;
    const searched = this.#tail + this.#decoder.push(token);
    this.#tail = this.#keptLength === 0 ? "" : searched.slice(-this.#keptLength);
    return this.#strings.some((string) =>
      searched.includes(string, Math.max(0, before - string.length + 1)),
    );
  }
}
