import { TemplateError } from "../errors.js";
import type { Budget } from "./budget.js";
import { reprOf, textOf } from "./python-text.js";
import { type Arguments, plain, type Value } from "./values.js";

/** A doubled brace, a field, or a brace that is neither. */
const PART = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;
/** Name or number, conversion, and what follows the colon. */
const FIELD = /^(\w*)(?:!([rs]))?(?::([<>^]?)([1-9]\d{0,3})?(s?))?$/;

/**
 * Fills the fields of a text as Python's `str.format` does: `{}`, `{0}` and `{name}`, with `!r`, `!s`, and a
 * width with an alignment for texts.
 *
 * @throws TemplateError for a field of another form, and for one without a value
 */
export function formatBraces(text: string, args: Arguments, budget: Budget): string {
  const values = new FieldValues(args);
  const filled = text.replace(PART, (part: string, field: string | undefined) => {
    if (part === "{{" || part === "}}") return part.charAt(0);
    const [, name, conversion, align = "", width = "", kind = ""] = FIELD.exec(field ?? "?") ?? [];
    if (name === undefined) {
      throw new TemplateError(`uses the field ${part.slice(0, 40)} in .format(), not known here`);
    }
    const value = plain(values.of(name));
    const written = conversion === "r" ? reprOf(value, budget) : textOf(value, budget);
    const isText = typeof value === "string" || conversion !== undefined;
    const isSpecified = width !== "" || kind !== "" || align !== "";
    // Numbers are aligned to the right, and most other values take no format.
    if (isSpecified && !isText) {
      throw new TemplateError(`uses the field ${part.slice(0, 40)} for no text, not known here`);
    }
    return aligned(written, align, Number(width));
  });
  return budget.text(filled);
}

/** Python numbers either all of the fields or none. */
class FieldValues {
  #next = 0;
  #isNumbered = false;

  constructor(private readonly args: Arguments) {}

  of(name: string): Value {
    const isNumber = /^\d+$/.test(name);
    if (isNumber ? this.#next > 0 : name === "" && this.#isNumbered) {
      throw new TemplateError("mixes fields with and without a number in .format()");
    }
    this.#isNumbered ||= isNumber;
    const { positional, named } = this.args;
    const index = isNumber ? Number(name) : this.#next;
    if (name === "") this.#next += 1;
    const value = isNumber || name === "" ? positional[index] : named.get(name);
    if (value !== undefined) return value;
    throw new TemplateError(`has no value for the field {${name}} of .format()`);
  }
}

function aligned(text: string, align: string, width: number): string {
  const missing = Math.max(0, width - Array.from(text).length);
  const left = align === ">" ? missing : align === "^" ? Math.floor(missing / 2) : 0;
  return " ".repeat(left) + text + " ".repeat(missing - left);
}
