import { readString } from "./string-literal.js";
import type {
  BinaryOperator,
  CallArguments,
  CompareOperator,
  Expression,
  FilterExpression,
} from "./syntax-tree.js";
import type { TokenStream } from "./token-stream.js";
import { exactInt, Float } from "./values.js";

const NO_ARGUMENTS: CallArguments = { positional: [], named: [], spread: null, spreadNamed: null };
const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="] as const;
const CONSTANTS = new Map([
  ...["true", "True"].map((name) => [name, true] as const),
  ...["false", "False"].map((name) => [name, false] as const),
  ...["none", "None"].map((name) => [name, null] as const),
]);

/** Parses one expression; without `withChoice`, it ends at `if`. */
export function parseExpression(stream: TokenStream, withChoice = true): Expression {
  return stream.nested(() => {
    let expression = parseOr(stream);
    while (withChoice && stream.accept("name", "if")) {
      const condition = parseOr(stream);
      const no = stream.accept("name", "else") ? parseExpression(stream) : null;
      expression = { type: "choice", condition, yes: expression, no };
    }
    return expression;
  });
}

/** Parses expressions separated by commas: a tuple, or a single expression. */
export function parseTuple(
  stream: TokenStream,
  options: { withChoice?: boolean; endName?: string; brackets?: boolean } = {},
): Expression {
  const items: Expression[] = [];
  let isTuple = false;
  for (;;) {
    if (items.length > 0 && !stream.accept("operator", ",")) break;
    if (items.length > 0) isTuple = true;
    if (endsTuple(stream, options.endName)) break;
    items.push(parseExpression(stream, options.withChoice ?? true));
  }
  const [first] = items;
  if (!isTuple && first !== undefined) return first;
  if (items.length === 0 && options.brackets !== true) {
    throw stream.error("has no expression where one is expected");
  }
  return { type: "tuple", items };
}

function endsTuple(stream: TokenStream, endName: string | undefined): boolean {
  if (stream.is("variable_end") || stream.is("block_end") || stream.operator(")")) return true;
  return endName !== undefined && stream.is("name", endName);
}

function parseOr(stream: TokenStream): Expression {
  let left = parseAnd(stream);
  while (stream.accept("name", "or")) left = binary("or", left, parseAnd(stream));
  return left;
}

function parseAnd(stream: TokenStream): Expression {
  let left = parseNot(stream);
  while (stream.accept("name", "and")) left = binary("and", left, parseNot(stream));
  return left;
}

function parseNot(stream: TokenStream): Expression {
  if (!stream.accept("name", "not")) return parseCompare(stream);
  return { type: "not", operand: stream.nested(() => parseNot(stream)) };
}

function parseCompare(stream: TokenStream): Expression {
  const first = parseSum(stream);
  const rest: (readonly [CompareOperator, Expression])[] = [];
  for (;;) {
    const operator = comparison(stream);
    if (operator === null) break;
    rest.push([operator, parseSum(stream)]);
  }
  return rest.length === 0 ? first : { type: "compare", first, rest };
}

function comparison(stream: TokenStream): CompareOperator | null {
  const operator = COMPARISONS.find((one) => stream.accept("operator", one));
  if (operator !== undefined) return operator;
  if (stream.accept("name", "in")) return "in";
  if (!stream.is("name", "not") || !stream.is("name", "in", 1)) return null;
  stream.next();
  stream.next();
  return "not in";
}

type Parser = (stream: TokenStream) => Expression;

function leftToRight(operators: readonly BinaryOperator[], parse: Parser): Parser {
  return (stream) => {
    let left = parse(stream);
    for (;;) {
      const operator = operators.find((one) => stream.accept("operator", one));
      if (operator === undefined) return left;
      left = binary(operator, left, parse(stream));
    }
  };
}

const parsePower = leftToRight(["**"], (stream) => parseUnary(stream, true));
const parseProduct = leftToRight(["*", "/", "//", "%"], parsePower);
const parseConcatenation = leftToRight(["~"], parseProduct);
const parseSum = leftToRight(["+", "-"], parseConcatenation);

function parseUnary(stream: TokenStream, withFilter: boolean): Expression {
  let expression: Expression;
  if (stream.operator("-") || stream.operator("+")) {
    const sign = stream.next().value === "-" ? "-" : "+";
    expression = { type: "sign", sign, operand: stream.nested(() => parseUnary(stream, false)) };
  } else {
    expression = parsePrimary(stream);
  }
  expression = parsePostfix(stream, expression);
  return withFilter ? parseFilters(stream, expression) : expression;
}

function parsePrimary(stream: TokenStream): Expression {
  const token = stream.current;
  switch (token.type) {
    case "name": {
      stream.next();
      const constant = CONSTANTS.get(token.value);
      if (constant !== undefined) return { type: "constant", value: constant };
      return { type: "name", name: token.value };
    }
    case "string": {
      let text = "";
      while (stream.is("string")) text += readString(stream.next().value, token.line);
      return { type: "constant", value: text };
    }
    case "integer": {
      const digits = stream.next().value.replaceAll("_", "");
      return { type: "constant", value: exactInt(Number(digits)) };
    }
    case "float": {
      const digits = stream.next().value.replaceAll("_", "");
      return { type: "constant", value: new Float(Number(digits)) };
    }
    default:
      return parseBrackets(stream);
  }
}

function parseBrackets(stream: TokenStream): Expression {
  if (stream.accept("operator", "(")) {
    const inside = parseTuple(stream, { brackets: true });
    stream.expect("operator", ")");
    return inside;
  }
  if (stream.accept("operator", "[")) {
    const items = commaList(stream, "]", () => parseExpression(stream));
    return { type: "list", items };
  }
  if (stream.accept("operator", "{")) {
    const entries = commaList(stream, "}", () => {
      const key = parseExpression(stream);
      stream.expect("operator", ":");
      return [key, parseExpression(stream)] as const;
    });
    return { type: "dict", entries };
  }
  throw stream.error(`has an unexpected ${JSON.stringify(stream.current.value)}`);
}

function commaList<T>(stream: TokenStream, end: string, parse: () => T): T[] {
  const items: T[] = [];
  while (!stream.operator(end)) {
    if (items.length > 0) stream.expect("operator", ",");
    if (stream.operator(end)) break;
    items.push(parse());
  }
  stream.expect("operator", end);
  return items;
}

function parsePostfix(stream: TokenStream, start: Expression): Expression {
  let expression = start;
  for (;;) {
    if (stream.accept("operator", ".")) {
      const token = stream.next();
      if (token.type === "name") {
        expression = { type: "attribute", object: expression, name: token.value };
      } else if (token.type === "integer") {
        const key = { type: "constant", value: Number(token.value) } as const;
        expression = { type: "item", object: expression, key };
      } else throw stream.error("has no name behind a dot");
    } else if (stream.accept("operator", "[")) expression = parseSubscript(stream, expression);
    else if (stream.operator("(")) expression = parseCall(stream, expression);
    else return expression;
  }
}

function parseSubscript(stream: TokenStream, object: Expression): Expression {
  const bounds: (Expression | null)[] = [null];
  let isSlice = false;
  while (!stream.operator("]")) {
    if (stream.accept("operator", ":")) {
      isSlice = true;
      bounds.push(null);
      if (bounds.length > 3) throw stream.error("has a slice of more than three parts");
    } else if (bounds.at(-1) === null && !stream.operator(",")) {
      bounds[bounds.length - 1] = parseExpression(stream);
    } else throw stream.error(`has ${JSON.stringify(stream.current.value)} in a subscript`);
  }
  stream.expect("operator", "]");
  const [key] = bounds;
  if (isSlice) return { type: "slice", object, bounds };
  if (key === undefined || key === null) throw stream.error("has an empty subscript");
  return { type: "item", object, key };
}

/** Parses the filters, tests and calls that follow an expression. */
function parseFilters(stream: TokenStream, start: Expression): Expression {
  let expression = start;
  for (;;) {
    if (stream.operator("|")) expression = parseFilter(stream, expression);
    else if (stream.is("name", "is")) expression = parseTest(stream, expression);
    else if (stream.operator("(")) expression = parseCall(stream, expression);
    else return expression;
  }
}

/** Parses one filter after its bar, with its arguments. */
export function parseFilter(stream: TokenStream, input: Expression | null): FilterExpression {
  stream.expect("operator", "|");
  return parseFilterName(stream, input);
}

/** Parses the name and the arguments of a filter. */
export function parseFilterName(stream: TokenStream, input: Expression | null): FilterExpression {
  const { line } = stream.current;
  const name = dottedName(stream);
  const args = stream.operator("(") ? parseArguments(stream) : NO_ARGUMENTS;
  return { type: "filter", input, name, args, line };
}

function parseTest(stream: TokenStream, input: Expression): Expression {
  const { line } = stream.next();
  const negated = stream.accept("name", "not");
  const name = dottedName(stream);
  const test: Expression = { type: "test", input, name, args: testArguments(stream), line };
  return negated ? { type: "not", operand: test } : test;
}

function testArguments(stream: TokenStream): CallArguments {
  if (stream.operator("(")) return parseArguments(stream);
  const { type } = stream.current;
  const takesOne =
    (type === "name" && !stream.name("else", "or", "and")) ||
    ["string", "integer", "float"].includes(type) ||
    stream.operator("[") ||
    stream.operator("{");
  if (!takesOne) return NO_ARGUMENTS;
  if (stream.is("name", "is")) throw stream.error("chains tests with is");
  return { ...NO_ARGUMENTS, positional: [parsePostfix(stream, parsePrimary(stream))] };
}

function dottedName(stream: TokenStream): string {
  let name = stream.expect("name").value;
  while (stream.accept("operator", ".")) name += `.${stream.expect("name").value}`;
  return name;
}

function parseCall(stream: TokenStream, callee: Expression): Expression {
  return { type: "call", callee, args: parseArguments(stream) };
}

function parseArguments(stream: TokenStream): CallArguments {
  stream.expect("operator", "(");
  const positional: Expression[] = [];
  const named: [string, Expression][] = [];
  let spread: Expression | null = null;
  let spreadNamed: Expression | null = null;
  commaList(stream, ")", () => {
    if (stream.accept("operator", "**")) spreadNamed = parseExpression(stream);
    else if (stream.accept("operator", "*")) spread = parseExpression(stream);
    else if (stream.is("name") && stream.is("operator", "=", 1)) {
      const { value } = stream.next();
      stream.next();
      named.push([value, parseExpression(stream)]);
    } else if (named.length > 0 || spread !== null || spreadNamed !== null) {
      throw stream.error("has a positional argument behind a named one");
    } else positional.push(parseExpression(stream));
  });
  return { positional, named, spread, spreadNamed };
}

function binary(operator: BinaryOperator, left: Expression, right: Expression): Expression {
  return { type: "binary", operator, left, right };
}
