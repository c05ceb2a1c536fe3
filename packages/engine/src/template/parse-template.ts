import { tokenize } from "./lexer.js";
import { parseExpression, parseFilter, parseFilterName, parseTuple } from "./parse-expression.js";
import type {
  Body,
  Expression,
  FilterExpression,
  MacroStatement,
  Parameter,
  Statement,
  Target,
} from "./syntax-tree.js";
import { TokenStream } from "./token-stream.js";

/** Length of a template in characters; the longest published ones have some 20,000. */
const MAX_TEMPLATE_LENGTH = 200_000;

/** Jinja statements that need files or settings, which chat templates do not have. */
const NOT_HERE = [
  "include",
  "import",
  "from",
  "extends",
  "block",
  "autoescape",
  "trans",
  "do",
  "debug",
];

/**
 * Parses a Jinja template with the extensions that Transformers loads: loop controls and `generation`.
 *
 * @throws TemplateError naming line and construct
 */
export function parseTemplate(source: string): Body {
  const stream = new TokenStream(tokenize(source));
  if (source.length > MAX_TEMPLATE_LENGTH) {
    throw stream.error(`has ${source.length} characters; ${MAX_TEMPLATE_LENGTH} are taken`);
  }
  return new TemplateParser(stream).body([]);
}

class TemplateParser {
  #loops = 0;

  constructor(private readonly stream: TokenStream) {}

  /** Parses statements until a tag begins with one of the names; consumes the start of that tag. */
  body(ends: readonly string[]): Body {
    const { stream } = this;
    return stream.nested(() => {
      const statements: Statement[] = [];
      for (;;) {
        const { type, line, value } = stream.current;
        if (type === "end") {
          if (ends.length === 0) return statements;
          throw stream.error(`ends where ${ends.at(-1)} is expected`);
        }
        stream.next();
        if (type === "data") statements.push({ type: "text", text: value });
        else if (type === "variable_begin") {
          statements.push({ type: "print", value: parseTuple(stream), line });
          stream.expect("variable_end");
        } else if (stream.name(...ends)) return statements;
        else {
          statements.push(this.#statement());
          stream.expect("block_end");
        }
      }
    });
  }

  /** Parses the statements after a tag up to the tag of `end`, which is consumed. */
  #bodyUntil(end: string): Body {
    this.stream.expect("block_end");
    const body = this.body([end]);
    this.stream.next();
    return body;
  }

  #statement(): Statement {
    const { value: name, line } = this.stream.expect("name");
    switch (name) {
      case "if":
        return this.#if(line);
      case "for":
        return this.#for(line);
      case "set":
        return this.#set(line);
      case "macro": {
        const macro = this.stream.expect("name").value;
        return this.#macro(macro, this.#parameters(), { end: "endmacro", line });
      }
      case "call":
        return this.#call(line);
      case "filter": {
        const filter = this.#filterChain(parseFilterName(this.stream, null));
        const body = this.#outsideLoops(() => this.#bodyUntil("endfilter"));
        return { type: "filter-block", filter, body, line };
      }
      case "with":
        return this.#with(line);
      case "generation": {
        const body = this.#outsideLoops(() => this.#bodyUntil("endgeneration"));
        return { type: "scope", body, line };
      }
      case "break":
      case "continue":
        if (this.#loops === 0) {
          throw this.stream.error(`has ${name} outside of a loop, or inside of a block in it`);
        }
        return { type: name, line };
      default:
        throw this.stream.error(
          NOT_HERE.includes(name)
            ? `uses {% ${name} %}, which a chat template cannot do here`
            : `has the unknown tag {% ${name} %}`,
        );
    }
  }

  #if(line: number): Statement {
    const { stream } = this;
    const branches: (readonly [Expression, Body])[] = [];
    for (;;) {
      const condition = parseTuple(stream, { withChoice: false });
      stream.expect("block_end");
      branches.push([condition, this.body(["elif", "else", "endif"])]);
      const { value } = stream.next();
      if (value === "elif") continue;
      const otherwise = value === "else" ? this.#bodyUntil("endif") : [];
      return { type: "if", branches, otherwise, line };
    }
  }

  #for(line: number): Statement {
    const { stream } = this;
    const target = this.#target("in");
    stream.expect("name", "in");
    const items = parseTuple(stream, { withChoice: false, endName: "recursive" });
    const condition = stream.accept("name", "if") ? parseExpression(stream) : null;
    const recursive = stream.accept("name", "recursive");
    stream.expect("block_end");
    this.#loops++;
    const body = this.body(["endfor", "else"]);
    this.#loops--;
    const otherwise = stream.next().value === "else" ? this.#bodyUntil("endfor") : [];
    return { type: "for", target, items, condition, recursive, body, otherwise, line };
  }

  #set(line: number): Statement {
    const { stream } = this;
    const target = this.#target("=", true);
    if (stream.accept("operator", "=")) {
      return { type: "set", target, value: parseTuple(stream), line };
    }
    const filter = stream.operator("|") ? this.#filterChain(parseFilter(stream, null)) : null;
    const body = this.#outsideLoops(() => this.#bodyUntil("endset"));
    return { type: "set-block", target, filter, body, line };
  }

  #call(line: number): Statement {
    const { stream } = this;
    const parameters = stream.operator("(") ? this.#parameters() : [];
    const call = parseExpression(stream);
    if (call.type !== "call") throw stream.error("has a call block without a call");
    const caller = this.#macro("caller", parameters, { end: "endcall", line });
    return { type: "call-block", call, caller, line };
  }

  #macro(
    name: string,
    parameters: readonly Parameter[],
    { end, line }: { end: string; line: number },
  ): MacroStatement {
    const { stream } = this;
    const start = stream.position;
    const body = this.#outsideLoops(() => this.#bodyUntil(end));
    const takesMore = stream.used("varargs", start);
    const takesMoreNamed = stream.used("kwargs", start);
    return { type: "macro", name, parameters, takesMore, takesMoreNamed, body, line };
  }

  #with(line: number): Statement {
    const { stream } = this;
    const values: (readonly [Target, Expression])[] = [];
    while (!stream.is("block_end")) {
      if (values.length > 0) stream.expect("operator", ",");
      const target = this.#oneTarget(false);
      stream.expect("operator", "=");
      values.push([target, parseExpression(stream)]);
    }
    return { type: "with", values, body: this.#bodyUntil("endwith"), line };
  }

  /** Appends the filters after the first one of a filter block. */
  #filterChain(first: FilterExpression): FilterExpression {
    let filter = first;
    while (this.stream.operator("|")) filter = parseFilter(this.stream, filter);
    return filter;
  }

  #parameters(): Parameter[] {
    const { stream } = this;
    const parameters: Parameter[] = [];
    stream.expect("operator", "(");
    while (!stream.accept("operator", ")")) {
      if (parameters.length > 0) stream.expect("operator", ",");
      const name = stream.expect("name").value;
      const fallback = stream.accept("operator", "=") ? parseExpression(stream) : null;
      parameters.push({ name, fallback });
    }
    return parameters;
  }

  #target(end: "in" | "=", withFields = false): Target {
    const { stream } = this;
    const items = [this.#oneTarget(withFields)];
    let isTuple = false;
    while (stream.accept("operator", ",")) {
      isTuple = true;
      if (end === "in" && stream.is("name", end)) break;
      items.push(this.#oneTarget(false));
    }
    const [first] = items;
    return isTuple || first === undefined ? { type: "tuple", items } : first;
  }

  #oneTarget(withFields: boolean): Target {
    const { stream } = this;
    if (stream.accept("operator", "(")) {
      const inside = this.#target("=", false);
      stream.expect("operator", ")");
      return inside;
    }
    const { value: name } = stream.expect("name");
    if (["true", "false", "none", "True", "False", "None", "loop"].includes(name)) {
      throw stream.error(`gives a value to ${name}`);
    }
    if (!withFields || !stream.accept("operator", ".")) return { type: "name", name };
    return { type: "field", object: name, name: stream.expect("name").value };
  }

  /** The body of a macro, or of a block whose text is captured, is not part of the enclosing loop. */
  #outsideLoops<T>(parse: () => T): T {
    const loops = this.#loops;
    this.#loops = 0;
    const result = parse();
    this.#loops = loops;
    return result;
  }
}
