import { TemplateError } from "../errors.js";

/** Evaluated nodes, copied elements and blocks of text; a template of a published model takes thousands. */
const LEAST_STEPS = 250_000;
/** Steps for each character that a conversation has: some may go through all of it several times. */
const STEPS_PER_CHARACTER = 2;
/** Characters that a step may make or look at without a further step. */
const CHARACTERS_PER_STEP = 16;
/** Characters of one text: far above any context length. */
const MAX_TEXT = 16_000_000;
/** Nested calls of macros, parentheses and containers. */
const MAX_DEPTH = 200;

/**
 * Bounds what one rendering may cost, so that a template of a foreign model folder cannot hold the
 * process: loops, texts and lists are counted where they are made.
 */
export class Budget {
  readonly #maxSteps: number;
  #steps = 0;
  #depth = 0;

  /** @param numCharacters  of the conversation, with all that the template is given */
  constructor(numCharacters: number) {
    this.#maxSteps = LEAST_STEPS + STEPS_PER_CHARACTER * numCharacters;
  }

  /** @throws TemplateError when the template has used up its steps */
  spend(steps = 1): void {
    this.#steps += steps;
    if (this.#steps > this.#maxSteps) {
      throw new TemplateError(`takes more than ${this.#maxSteps} steps: it is refused`);
    }
  }

  /** Pays for a text; returns it. */
  text(value: string): string {
    if (value.length > MAX_TEXT) {
      throw new TemplateError(`writes more than ${MAX_TEXT} characters: it is refused`);
    }
    this.spend(1 + value.length / CHARACTERS_PER_STEP);
    return value;
  }

  /** Runs a nested evaluation, and refuses one that nests too deeply. */
  nested<T>(run: () => T): T {
    if (this.#depth >= MAX_DEPTH) throw new TemplateError(`nests deeper than ${MAX_DEPTH}`);
    this.#depth++;
    try {
      return run();
    } finally {
      this.#depth--;
    }
  }
}
