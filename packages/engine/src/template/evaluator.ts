import { TemplateError } from "../errors.js";
import { attributeOf, subscript } from "./attributes.js";
import type { Budget } from "./budget.js";
import { compare, contains, equal, iterate, newKeyOf } from "./compare-values.js";
import { FILTERS } from "./filters.js";
import { binary, slice } from "./operators.js";
import { textOf } from "./python-text.js";
import type { Scope } from "./scope.js";
import type { BinaryOperator, CallArguments, CompareOperator, Expression } from "./syntax-tree.js";
import { TESTS } from "./value-tests.js";
import {
  type Arguments,
  Callable,
  defined,
  type Dict,
  exactInt,
  Float,
  numberOf,
  ObjectValue,
  truthy,
  Tuple,
  typeOf,
  Undefined,
  type Value,
} from "./values.js";

/** Computes the values of expressions. */
export class Evaluator {
  constructor(readonly budget: Budget) {}

  /** @throws TemplateError */
  value(expression: Expression, scope: Scope): Value {
    const { budget } = this;
    budget.spend();
    switch (expression.type) {
      case "constant":
        return expression.value;
      case "name":
        return nameOf(scope, expression.name);
      case "list":
        return this.#all(expression.items, scope);
      case "tuple":
        return new Tuple(this.#all(expression.items, scope));
      case "dict":
        return this.#dict(expression.entries, scope);
      case "attribute":
        return attributeOf(this.value(expression.object, scope), expression.name, budget);
      case "item": {
        const object = this.value(expression.object, scope);
        return subscript(object, this.value(expression.key, scope), budget);
      }
      case "slice": {
        const object = this.value(expression.object, scope);
        const bounds = expression.bounds.map((one) =>
          one === null ? null : this.value(one, scope),
        );
        return slice(object, bounds, budget);
      }
      case "call":
        return this.#call(expression, scope);
      case "filter": {
        const input = expression.input === null ? "" : this.value(expression.input, scope);
        return this.filter(expression, input, scope);
      }
      case "test":
        return this.#test(expression, scope);
      case "not":
        return !truthy(this.value(expression.operand, scope));
      case "sign":
        return signed(expression.sign, this.value(expression.operand, scope));
      case "binary":
        return this.#binary(expression, scope);
      case "compare":
        return this.#compare(expression, scope);
      case "choice":
        if (truthy(this.value(expression.condition, scope)))
          return this.value(expression.yes, scope);
        if (expression.no !== null) return this.value(expression.no, scope);
        return new Undefined("uses a choice without else whose condition is false");
    }
    return expression satisfies never;
  }

  /** Applies a filter to a value. */
  filter(
    { name, args, line }: { name: string; args: CallArguments; line: number },
    input: Value,
    scope: Scope,
  ): Value {
    const filter = FILTERS.get(name);
    if (filter === undefined) {
      throw new TemplateError(`uses the filter ${name}, not known here`, line);
    }
    return filter(input, this.args(args, scope), this.budget);
  }

  /** Evaluates the arguments of a call. */
  args(args: CallArguments, scope: Scope): Arguments {
    const positional = this.#all(args.positional, scope);
    if (args.spread !== null) {
      positional.push(...iterate(this.value(args.spread, scope), this.budget));
    }
    const named = new Map(args.named.map(([name, value]) => [name, this.value(value, scope)]));
    const more = args.spreadNamed === null ? null : this.value(args.spreadNamed, scope);
    if (more instanceof Map) {
      for (const [key, value] of more) {
        const name = textOf(key, this.budget);
        if (named.has(name)) throw new TemplateError(`gives the argument ${name} twice`);
        named.set(name, value);
      }
    }
    return { positional, named };
  }

  #all(expressions: readonly Expression[], scope: Scope): Value[] {
    return expressions.map((one) => this.value(one, scope));
  }

  #dict(entries: readonly (readonly [Expression, Expression])[], scope: Scope): Dict {
    const dict: Dict = new Map();
    for (const [key, value] of entries) {
      dict.set(newKeyOf(this.value(key, scope), this.budget), this.value(value, scope));
    }
    return dict;
  }

  #call({ callee, args }: { callee: Expression; args: CallArguments }, scope: Scope): Value {
    const called = defined(this.value(callee, scope));
    if (called instanceof Callable) return called.call(this.args(args, scope));
    if (called instanceof ObjectValue) {
      const call = called.attribute("__call__");
      if (call instanceof Callable) return call.call(this.args(args, scope));
    }
    throw new TemplateError(`calls a ${typeOf(called)}`);
  }

  #test(
    expression: { input: Expression; name: string; args: CallArguments; line: number },
    scope: Scope,
  ): boolean {
    const { name, line } = expression;
    const test = TESTS.get(name);
    if (test === undefined) throw new TemplateError(`uses the test ${name}, not known here`, line);
    const input = this.value(expression.input, scope);
    return test(input, this.args(expression.args, scope), this.budget);
  }

  #binary(
    { operator, left, right }: { operator: BinaryOperator; left: Expression; right: Expression },
    scope: Scope,
  ): Value {
    const a = this.value(left, scope);
    if (operator === "and") return truthy(a) ? this.value(right, scope) : a;
    if (operator === "or") return truthy(a) ? a : this.value(right, scope);
    const b = this.value(right, scope);
    if (operator !== "~") return binary(operator, a, b, this.budget);
    return this.budget.text(textOf(a, this.budget) + textOf(b, this.budget));
  }

  #compare(
    {
      first,
      rest,
    }: { first: Expression; rest: readonly (readonly [CompareOperator, Expression])[] },
    scope: Scope,
  ): boolean {
    let left = this.value(first, scope);
    for (const [operator, expression] of rest) {
      const right = this.value(expression, scope);
      if (!this.#holds(operator, left, right)) return false;
      left = right;
    }
    return true;
  }

  #holds(operator: CompareOperator, left: Value, right: Value): boolean {
    const { budget } = this;
    switch (operator) {
      case "==":
        return equal(left, right, budget);
      case "!=":
        return !equal(left, right, budget);
      case "in":
        return contains(right, left, budget);
      case "not in":
        return !contains(right, left, budget);
      case "<":
        return compare(left, right, budget) < 0;
      case "<=":
        return compare(left, right, budget) <= 0;
      case ">":
        return compare(left, right, budget) > 0;
      case ">=":
        return compare(left, right, budget) >= 0;
    }
    return operator satisfies never;
  }
}

function nameOf(scope: Scope, name: string): Value {
  const value = scope.get(name);
  return value !== undefined ? value : new Undefined(`uses ${name}, which is undefined`);
}

function signed(sign: "+" | "-", value: Value): Value {
  const number = numberOf(defined(value));
  if (number === null) throw new TemplateError(`puts a ${sign} before a ${typeOf(value)}`);
  const result = sign === "-" ? -number : number;
  return value instanceof Float ? new Float(result) : exactInt(result);
}
