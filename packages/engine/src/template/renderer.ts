import { TemplateError } from "../errors.js";
import type { Budget } from "./budget.js";
import { iterate } from "./compare-values.js";
import { Evaluator } from "./evaluator.js";
import { FrameNames, type FrameStart, namesOf } from "./frame-names.js";
import { loopObject, type LoopState } from "./loop-object.js";
import { textOf } from "./python-text.js";
import { Scope } from "./scope.js";
import type {
  Body,
  CallArguments,
  Expression,
  ForStatement,
  MacroStatement,
  Statement,
  Target,
} from "./syntax-tree.js";
import {
  type Arguments,
  Callable,
  defined,
  Namespace,
  truthy,
  Tuple,
  typeOf,
  Undefined,
  type Value,
} from "./values.js";

/** How a body ended: normally, or by a loop control. */
type Ending = "done" | "break" | "continue";

/** Context in which a body is rendered. */
interface Place {
  readonly scope: Scope;
  /** Output so far, in pieces. */
  readonly out: string[];
}

/** Renders statements. */
export class Renderer {
  readonly #evaluator: Evaluator;
  readonly #budget: Budget;
  /** Of the blocks that were rendered, by their bodies. */
  readonly #names = new Map<Body, FrameNames>();

  constructor(budget: Budget) {
    this.#budget = budget;
    this.#evaluator = new Evaluator(budget);
  }

  /**
   * Renders a template with variables, and returns its text.
   *
   * @throws TemplateError
   */
  template(body: Body, variables: Scope): string {
    return this.#text(body, this.#frame(body, variables));
  }

  /** Makes the scope of a block. */
  #frame(body: Body, outer: Scope, start?: FrameStart): Scope {
    const names = this.#names.get(body) ?? FrameNames.of(body, outer.names, start);
    this.#names.set(body, names);
    return new Scope(outer, names);
  }

  #text(body: Body, scope: Scope): string {
    const out: string[] = [];
    this.#budget.nested(() => this.#body(body, { scope, out }));
    return this.#budget.text(out.join(""));
  }

  #body(body: Body, place: Place): Ending {
    for (const statement of body) {
      const ending = this.#located(statement, place);
      if (ending !== "done") return ending;
    }
    return "done";
  }

  /** Runs a statement; adds its line to errors that have none. */
  #located(statement: Statement, place: Place): Ending {
    try {
      return this.#statement(statement, place);
    } catch (error) {
      if (!(error instanceof TemplateError) || error.line !== null) throw error;
      throw "line" in statement ? error.at(statement.line) : error;
    }
  }

  #statement(statement: Statement, place: Place): Ending {
    const { scope, out } = place;
    this.#budget.spend();
    switch (statement.type) {
      case "text":
        out.push(this.#budget.text(statement.text));
        return "done";
      case "print":
        out.push(textOf(this.#value(statement.value, scope), this.#budget));
        return "done";
      case "if": {
        const branch = statement.branches.find(([test]) => truthy(this.#value(test, scope)));
        return this.#body(branch?.[1] ?? statement.otherwise, place);
      }
      case "for":
        return this.#for(statement, place, { depth: 0 });
      case "set":
        this.#assign(statement.target, this.#value(statement.value, scope), scope);
        return "done";
      case "set-block": {
        const { target, filter, body } = statement;
        const text = this.#text(body, this.#frame(body, scope));
        this.#assign(target, filter === null ? text : this.#filter(filter, text, scope), scope);
        return "done";
      }
      case "macro":
        scope.set(statement.name, this.#macro(statement, scope));
        return "done";
      case "call-block":
        out.push(this.#callBlock(statement, scope));
        return "done";
      case "filter-block": {
        const text = this.#text(statement.body, this.#frame(statement.body, scope));
        out.push(textOf(this.#filter(statement.filter, text, scope), this.#budget));
        return "done";
      }
      case "with": {
        const own = statement.values.flatMap(([target]) => namesOf(target));
        const inner = this.#frame(statement.body, scope, { own });
        for (const [target, value] of statement.values) {
          this.#assign(target, this.#value(value, scope), inner);
        }
        return this.#body(statement.body, { scope: inner, out });
      }
      case "scope":
        out.push(this.#text(statement.body, this.#frame(statement.body, scope)));
        return "done";
      case "break":
      case "continue":
        return statement.type;
    }
    return statement satisfies never;
  }

  #value(expression: Expression, scope: Scope): Value {
    return this.#evaluator.value(expression, scope);
  }

  /** Applies a chain of filters whose innermost input is the text of a block. */
  #filter(filter: Expression, text: string, scope: Scope): Value {
    if (filter.type !== "filter") return text;
    const input = filter.input === null ? text : this.#filter(filter.input, text, scope);
    return this.#evaluator.filter(filter, input, scope);
  }

  #for(loop: ForStatement, { scope, out }: Place, from: { items?: Value; depth: number }): Ending {
    const given = from.items !== undefined ? from.items : this.#value(loop.items, scope);
    const items = this.#kept(loop, iterate(given, this.#budget), scope);
    const again = (value: Value) => {
      const inner: string[] = [];
      const next = { items: value, depth: from.depth + 1 };
      this.#budget.nested(() => this.#for(loop, { scope, out: inner }, next));
      return inner.join("");
    };
    const state: LoopState = {
      items,
      index: 0,
      depth: from.depth,
      again: loop.recursive ? again : null,
    };
    const loopValue = loopObject(state, this.#budget);
    const own = [...namesOf(loop.target), "loop"];
    let isOtherwise = true;
    for (const [index, item] of items.entries()) {
      state.index = index;
      const inner = this.#frame(loop.body, scope, { own });
      this.#assign(loop.target, item, inner);
      inner.set("loop", loopValue);
      this.#budget.spend();
      const ending = this.#body(loop.body, { scope: inner, out });
      if (ending === "break") break;
      // Jinja also renders `else` if no iteration reached the end of its body.
      if (ending === "done") isOtherwise = false;
    }
    if (!isOtherwise) return "done";
    return this.#body(loop.otherwise, { scope: this.#frame(loop.otherwise, scope), out });
  }

  /** Drops the items that fail the loop's condition. */
  #kept(loop: ForStatement, items: readonly Value[], scope: Scope): readonly Value[] {
    const { condition } = loop;
    if (condition === null) return items;
    return items.filter((item) => {
      const inner = new Scope(scope);
      this.#assign(loop.target, item, inner);
      return truthy(this.#value(condition, inner));
    });
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    switch (target.type) {
      case "name":
        scope.set(target.name, value);
        return;
      case "field": {
        const object = scope.get(target.object);
        if (!(object instanceof Namespace)) {
          throw new TemplateError(`sets a field of ${target.object}, which is no namespace`);
        }
        object.fields.set(target.name, value);
        return;
      }
      case "tuple": {
        const items = iterate(defined(value), this.#budget);
        if (items.length !== target.items.length) {
          const problem = `takes ${target.items.length} values from ${items.length}`;
          throw new TemplateError(problem);
        }
        for (const [i, one] of target.items.entries()) this.#assign(one, items[i] ?? null, scope);
        return;
      }
    }
    target satisfies never;
  }

  #macro(macro: MacroStatement, outer: Scope): Callable {
    return new Callable(macro.name, (args) =>
      this.#budget.nested(() => this.#text(macro.body, this.#macroScope(macro, args, outer))),
    );
  }

  #macroScope(macro: MacroStatement, args: Arguments, outer: Scope): Scope {
    const { name, parameters } = macro;
    const own = ["caller", "varargs", "kwargs", ...parameters.map((one) => one.name)];
    const defaults = parameters.map(({ fallback }) => fallback);
    const scope = this.#frame(macro.body, outer, { own, defaults });
    const named = new Map(args.named);
    scope.set(
      "caller",
      named.get("caller") ?? new Undefined("calls caller, of which there is none"),
    );
    named.delete("caller");
    const absent = parameters.filter((parameter, i) => {
      const given = i < args.positional.length ? args.positional[i] : named.get(parameter.name);
      named.delete(parameter.name);
      const missing = `gives ${name} no ${parameter.name}`;
      scope.set(parameter.name, given !== undefined ? given : new Undefined(missing));
      return given === undefined;
    });
    // A default can use every parameter of the macro, including later ones, but not the outer names that a
    // parameter shadows.
    for (const { name: absentName, fallback } of absent) {
      if (fallback !== null) scope.set(absentName, this.#value(fallback, scope));
    }
    const extra = args.positional.slice(parameters.length);
    scope.set("varargs", new Tuple(extra));
    scope.set("kwargs", new Map(named));
    if (extra.length > 0 && !macro.takesMore) {
      throw new TemplateError(`gives ${name} more than ${parameters.length} arguments`);
    }
    const [unknown] = named.keys();
    if (unknown !== undefined && !macro.takesMoreNamed) {
      throw new TemplateError(`gives ${name} the argument ${unknown}, which it does not take`);
    }
    return scope;
  }

  #callBlock(statement: { call: Expression; caller: MacroStatement }, scope: Scope): string {
    const { call, caller } = statement;
    if (call.type !== "call") throw new TemplateError("has a call block without a call");
    const value = this.#value(call.callee, scope);
    if (!(value instanceof Callable)) throw new TemplateError(`calls a ${typeOf(value)}`);
    const args = this.#withCaller(call.args, this.#macro(caller, scope), scope);
    return textOf(value.call(args), this.#budget);
  }

  #withCaller(args: CallArguments, caller: Callable, scope: Scope): Arguments {
    const { positional, named } = this.#evaluator.args(args, scope);
    return { positional, named: new Map([...named, ["caller", caller]]) };
  }
}
