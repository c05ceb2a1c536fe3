import { TemplateError } from "../errors.js";

/**
 * Steps (evaluated nodes, copied elements, blocks of text) per rendering; templates of published models take
 * thousands.
 */
const LEAST_STEPS = 250_000;
/** Additional steps per character of the conversation, because a template may scan all of it several times. */
const STEPS_PER_CHARACTER = 2;
/** Characters that one step may create or scan without a further charge. */
const CHARACTERS_PER_STEP = 16;
/** Length of one text in characters, far above any context length. */
const MAX_TEXT = 16_000_000;
/** Nested calls of macros, parentheses and containers. */
const MAX_DEPTH = 200;

/**
 * Bounds the cost of one rendering, so that a template of an untrusted model folder cannot block the process.
 * Loops, texts and lists are charged where they are created.
 */
export class Budget {
  readonly #maxSteps: number;
  #steps = 0;
  #depth = 0;

  /** @param numCharacters  length of all variables given to the template */
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

  /** Charges for a text and returns it. */
  text(value: string): string {
    if (value.length > MAX_TEXT) {
      throw new TemplateError(`writes more than ${MAX_TEXT} characters: it is refused`);
    }
    this.spend(1 + value.length / CHARACTERS_PER_STEP);
    return value;
  }

  /** Runs a nested evaluation; refuses to nest beyond the limit. */
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
