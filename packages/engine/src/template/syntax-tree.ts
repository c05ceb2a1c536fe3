import type { Value } from "./values.js";

/** Arguments of a call, filter or test, not yet evaluated. */
export interface CallArguments {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [name: string, value: Expression])[];
  /** `*args`, if given. */
  readonly spread: Expression | null;
  /** `**kwargs`, if given. */
  readonly spreadNamed: Expression | null;
}

/** Binary operators that compute a value. */
export type BinaryOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**" | "~" | "and" | "or";

/** Comparison operators; a chain compares neighbours. */
export type CompareOperator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in";

/** An expression of a template. */
export type Expression =
  | { readonly type: "constant"; readonly value: Value }
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "list"; readonly items: readonly Expression[] }
  | { readonly type: "tuple"; readonly items: readonly Expression[] }
  | { readonly type: "dict"; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly type: "attribute"; readonly object: Expression; readonly name: string }
  | { readonly type: "item"; readonly object: Expression; readonly key: Expression }
  | {
      readonly type: "slice";
      readonly object: Expression;
      readonly bounds: readonly (Expression | null)[];
    }
  | { readonly type: "call"; readonly callee: Expression; readonly args: CallArguments }
  | FilterExpression
  | {
      readonly type: "test";
      readonly input: Expression;
      readonly name: string;
      readonly args: CallArguments;
      readonly line: number;
    }
  | { readonly type: "not"; readonly operand: Expression }
  | { readonly type: "sign"; readonly sign: "+" | "-"; readonly operand: Expression }
  | {
      readonly type: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly type: "compare";
      readonly first: Expression;
      readonly rest: readonly (readonly [CompareOperator, Expression])[];
    }
  | {
      readonly type: "choice";
      readonly condition: Expression;
      readonly yes: Expression;
      readonly no: Expression | null;
    };

/** An applied filter; in a filter block `input` is null and stands for the block's text. */
export interface FilterExpression {
  readonly type: "filter";
  readonly input: Expression | null;
  readonly name: string;
  readonly args: CallArguments;
  readonly line: number;
}

/** The target of a `for` or a `set`. */
export type Target =
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "field"; readonly object: string; readonly name: string }
  | { readonly type: "tuple"; readonly items: readonly Target[] };

/** A parameter of a macro or a call block. */
export interface Parameter {
  readonly name: string;
  readonly fallback: Expression | null;
}

/** A statement of a template. */
export type Statement =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "print"; readonly value: Expression; readonly line: number }
  | {
      readonly type: "if";
      readonly branches: readonly (readonly [condition: Expression, body: Body])[];
      readonly otherwise: Body;
      readonly line: number;
    }
  | ForStatement
  | {
      readonly type: "set";
      readonly target: Target;
      readonly value: Expression;
      readonly line: number;
    }
  | {
      readonly type: "set-block";
      readonly target: Target;
      readonly filter: FilterExpression | null;
      readonly body: Body;
      readonly line: number;
    }
  | MacroStatement
  | {
      readonly type: "call-block";
      readonly call: Expression;
      readonly caller: MacroStatement;
      readonly line: number;
    }
  | {
      readonly type: "filter-block";
      readonly filter: FilterExpression;
      readonly body: Body;
      readonly line: number;
    }
  | {
      readonly type: "with";
      readonly values: readonly (readonly [Target, Expression])[];
      readonly body: Body;
      readonly line: number;
    }
  | { readonly type: "scope"; readonly body: Body; readonly line: number }
  | { readonly type: "break" | "continue"; readonly line: number };

/** Statements in order. */
export type Body = readonly Statement[];

/** A loop. */
export interface ForStatement {
  readonly type: "for";
  readonly target: Target;
  readonly items: Expression;
  readonly condition: Expression | null;
  readonly recursive: boolean;
  readonly body: Body;
  readonly otherwise: Body;
  readonly line: number;
}

/** A macro. */
export interface MacroStatement {
  readonly type: "macro";
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** Whether the body uses `varargs`, so that more arguments than parameters may be passed. */
  readonly takesMore: boolean;
  /** Whether the body uses `kwargs`. */
  readonly takesMoreNamed: boolean;
  readonly body: Body;
  readonly line: number;
}
