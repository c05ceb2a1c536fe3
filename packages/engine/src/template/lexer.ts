import { TemplateError } from "../errors.js";
import { WHITE_SPACE } from "./python-text.js";

/** A token of a template. Inside tags: names, literals and operators. */
export interface Token {
  readonly type:
    | "data"
    | "variable_begin"
    | "variable_end"
    | "block_begin"
    | "block_end"
    | "name"
    | "string"
    | "integer"
    | "float"
    | "operator"
    | "end";
  readonly value: string;
  /** Counted from 1. */
  readonly line: number;
}

const S = `[${WHITE_SPACE}]*`;
/** Opens a tag; groups: sign of raw, of a block, of a variable, of a comment. */
const OPEN = new RegExp(
  `\\{%([-+]?)${S}raw${S}(?:-%\\}${S}|%\\})|\\{%([-+]?)|\\{\\{([-+]?)|\\{#([-+]?)`,
  "g",
);
const END_RAW = new RegExp(`\\{%([-+]?)${S}endraw${S}(?:\\+%\\}|-%\\}${S}|%\\}\\n?)`, "g");
const END_COMMENT = new RegExp(`\\+#\\}|-#\\}${S}|#\\}\\n?`, "g");
const END_BLOCK = new RegExp(`\\+%\\}|-%\\}${S}|%\\}\\n?`, "y");
const END_VARIABLE = new RegExp(`-\\}\\}${S}|\\}\\}`, "y");

const SPACES = new RegExp(`[${WHITE_SPACE}]+`, "y");
const FLOAT = /(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/y;
const INTEGER =
  /0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*/y;
const NAME = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy;
const STRING = /'[^'\\]*(?:\\[^][^'\\]*)*'|"[^"\\]*(?:\\[^][^"\\]*)*"/y;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/y;
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/**
 * Splits a template into tokens as Jinja does with Transformers' settings: line ends become \n, one at the end is
 * dropped, and a tag removes the line end after it and the indentation before it.
 *
 * @throws TemplateError
 */
export function tokenize(source: string): Token[] {
  return new Lexer(source.replace(/\r\n|\r/g, "\n").replace(/\n$/, "")).run();
}

class Lexer {
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  /** Position up to which `#line` has been counted. */
  #counted = 0;
  #lineStarts = true;

  constructor(private readonly source: string) {}

  run(): Token[] {
    while (this.#at < this.source.length) {
      const open = find(OPEN, this.source, this.#at);
      if (open === null) {
        this.#push("data", this.source.slice(this.#at));
        break;
      }
      const [tag, raw, block, variable, comment] = open;
      const sign = raw ?? block ?? variable ?? comment ?? "";
      const text = this.source.slice(this.#at, open.index);
      this.#push("data", this.#beforeTag(text, sign, variable === undefined));
      this.#moveTo(open.index + tag.length);
      if (raw !== undefined) this.#raw();
      else if (comment !== undefined) this.#comment();
      else this.#expression(block === undefined ? "variable" : "block");
    }
    this.#push("end", "");
    return this.#tokens;
  }

  /** Drops the white space before a tag, if the tag's sign asks for it or the tag is first on its line. */
  #beforeTag(text: string, sign: string, mayTakeIndentation: boolean): string {
    if (sign === "-") return text.slice(0, endWithoutSpace(text, 0));
    if (sign === "+" || !mayTakeIndentation) return text;
    const lineStart = text.lastIndexOf("\n") + 1;
    if (lineStart === 0 && !this.#lineStarts) return text;
    return endWithoutSpace(text, lineStart) === lineStart ? text.slice(0, lineStart) : text;
  }

  #raw(): void {
    const end = find(END_RAW, this.source, this.#at);
    if (end === null) throw this.#error("has a raw block without an end");
    const text = this.source.slice(this.#at, end.index);
    this.#push("data", this.#beforeTag(text, end[1] ?? "", true));
    this.#moveTo(end.index + end[0].length);
  }

  #comment(): void {
    const end = find(END_COMMENT, this.source, this.#at);
    if (end === null) throw this.#error("has a comment without an end");
    this.#moveTo(end.index + end[0].length);
  }

  #expression(kind: "variable" | "block"): void {
    const end = kind === "variable" ? END_VARIABLE : END_BLOCK;
    const open: string[] = [];
    this.#push(`${kind}_begin`, "");
    while (this.#at < this.source.length) {
      const ending = open.length === 0 ? this.#match(end) : null;
      if (ending !== null) {
        this.#push(`${kind}_end`, "");
        this.#moveTo(this.#at + ending.length);
        return;
      }
      this.#item(open);
    }
    throw this.#error(`has a ${kind} tag without an end`);
  }

  #item(open: string[]): void {
    const spaces = this.#match(SPACES);
    if (spaces !== null) return this.#moveTo(this.#at + spaces.length);
    const float = this.source[this.#at - 1] === "." ? null : this.#match(FLOAT);
    if (float !== null) return this.#take("float", float);
    const integer = this.#match(INTEGER);
    if (integer !== null) return this.#take("integer", integer);
    const name = this.#match(NAME);
    if (name !== null) return this.#take("name", name);
    const string = this.#match(STRING);
    if (string !== null) return this.#take("string", string);
    const operator = this.#match(OPERATOR);
    if (operator === null) {
      throw this.#error(`has an unexpected ${JSON.stringify(this.source[this.#at])}`);
    }
    const closing = CLOSING[operator];
    if (closing !== undefined) open.push(closing);
    else if (/[)\]}]/.test(operator) && open.pop() !== operator) {
      throw this.#error(`has an unexpected ${operator}`);
    }
    this.#take("operator", operator);
  }

  #take(type: Token["type"], value: string): void {
    this.#push(type, value);
    this.#moveTo(this.#at + value.length);
  }

  #push(type: Token["type"], value: string): void {
    if (type === "data" && value === "") return;
    for (; this.#counted < this.#at; this.#counted++) {
      if (this.source.charCodeAt(this.#counted) === 10) this.#line++;
    }
    this.#tokens.push({ type, value, line: this.#line });
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.source)?.[0] ?? null;
  }

  #moveTo(position: number): void {
    this.#at = position;
    this.#lineStarts = this.source[position - 1] === "\n";
  }

  #error(problem: string): TemplateError {
    return new TemplateError(problem, this.#line);
  }
}

const SPACE = new RegExp(`[${WHITE_SPACE}]`);

/** Returns where the white space at the end of a text begins, but not before `from`. */
function endWithoutSpace(text: string, from: number): number {
  let end = text.length;
  while (end > from && SPACE.test(text[end - 1] ?? "")) end--;
  return end;
}

function find(pattern: RegExp, text: string, from: number): RegExpExecArray | null {
  pattern.lastIndex = from;
  return pattern.exec(text);
}
