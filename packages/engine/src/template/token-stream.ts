import { TemplateError } from "../errors.js";
import type { Token } from "./lexer.js";

/** Nesting depth of brackets and blocks; published templates need a few. */
const MAX_DEPTH = 100;

/** Reads tokens in order; errors say what was expected and what was found. */
export class TokenStream {
  #at = 0;
  #depth = 0;

  /** @param tokens  the last one has type `end` */
  constructor(private readonly tokens: readonly Token[]) {}

  get current(): Token {
    return this.peek(0);
  }

  peek(ahead: number): Token {
    const last = this.tokens.length - 1;
    return this.tokens[Math.min(this.#at + ahead, last)] as Token;
  }

  next(): Token {
    const token = this.current;
    this.#at++;
    return token;
  }

  is(type: Token["type"], value?: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.type === type && (value === undefined || token.value === value);
  }

  operator(value: string): boolean {
    return this.is("operator", value);
  }

  name(...values: string[]): boolean {
    return this.current.type === "name" && values.includes(this.current.value);
  }

  /** Consumes the current token if it matches. */
  accept(type: Token["type"], value?: string): boolean {
    if (!this.is(type, value)) return false;
    this.next();
    return true;
  }

  /** @throws TemplateError when the current token is another one */
  expect(type: Token["type"], value?: string): Token {
    if (this.is(type, value)) return this.next();
    throw this.error(`has ${describe(this.current)} where ${value ?? type} is expected`);
  }

  get position(): number {
    return this.#at;
  }

  /** Returns whether a name was consumed since a position. */
  used(name: string, since: number): boolean {
    const taken = this.tokens.slice(since, this.#at);
    return taken.some(({ type, value }) => type === "name" && value === name);
  }

  /** Parses the inside of brackets or of a block. */
  nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw this.error(`nests deeper than ${MAX_DEPTH}`);
    const result = parse();
    this.#depth--;
    return result;
  }

  error(problem: string): TemplateError {
    return new TemplateError(problem, this.current.line);
  }
}

function describe(token: Token): string {
  if (token.type === "end") return "its end";
  if (token.type === "variable_end") return "}}";
  return token.type === "block_end" ? "%}" : JSON.stringify(token.value);
}
