import { TemplateError } from "../errors.js";
import type { Budget } from "./budget.js";
import type { NamedArguments } from "./call-arguments.js";
import { iterate } from "./compare-values.js";
import { capitalized, characters, escapeHtml, strip, textOf, WHITE_SPACE } from "./python-text.js";
import { attributeGetter } from "./sequence-filters.js";
import { stringMethod } from "./string-methods.js";
import { asMarkup, Markup, plain, truthy, typeOf, type Value } from "./values.js";

type TextFilter = (input: Value, args: NamedArguments, budget: Budget) => Value;

/** Columns of indentation that a filter may add. */
const MAX_WIDTH = 10_000;
const WORD_START = new RegExp(`([-${WHITE_SPACE}({[<]+)`);

function onText(
  compute: (text: string, args: NamedArguments, budget: Budget) => Value,
): TextFilter {
  return (input, args, budget) => {
    const result = compute(textOf(input, budget), args, budget);
    return typeof result === "string" ? budget.text(result) : result;
  };
}

/** Like {@link onText}, but keeps markup as markup. */
function keepingMarkup(
  compute: (text: string, args: NamedArguments, budget: Budget) => string,
): TextFilter {
  return (input, args, budget) => {
    const text = budget.text(compute(textOf(input, budget), args, budget));
    return input instanceof Markup ? new Markup(text) : text;
  };
}

const ESCAPE: TextFilter = (input, _args, budget) =>
  input instanceof Markup ? input : new Markup(budget.text(escapeHtml(textOf(input, budget))));

/** Calls a method of Python's `str`. */
function viaMethod(name: string, text: string, args: readonly Value[], budget: Budget): Value {
  const method = stringMethod(text, name, budget);
  if (method === undefined) throw new TemplateError(`uses the method ${name}`);
  return method.call({ positional: args, named: new Map() });
}

/** Filters that convert their input to a text: name, parameters, function. */
export const TEXT_FILTERS: readonly (readonly [string, readonly string[], TextFilter])[] = [
  ["string", [], keepingMarkup((text) => text)],
  ["safe", [], (input, _args, budget) => new Markup(textOf(input, budget))],
  ["trim", ["chars"], keepingMarkup((text, args) => strip(text, "both", args.text("chars", null)))],
  ["upper", [], keepingMarkup((text) => text.toUpperCase())],
  ["lower", [], keepingMarkup((text) => text.toLowerCase())],
  ["capitalize", [], keepingMarkup((text) => capitalized(text))],
  ["title", [], onText((text) => title(text))],
  ["escape", [], ESCAPE],
  ["e", [], ESCAPE],
  [
    "replace",
    ["old", "new", "count"],
    onText((text, args, budget) => {
      const [old, fresh] = ["old", "new"].map((name) => textOf(args.any(name), budget));
      return viaMethod(
        "replace",
        text,
        [old ?? "", fresh ?? "", args.int("count", -1) ?? -1],
        budget,
      );
    }),
  ],
  ["indent", ["width", "first", "blank"], indent],
  [
    "center",
    ["width"],
    keepingMarkup((text, args, budget) => center(text, args.int("width", 80), budget)),
  ],
  ["wordcount", [], onText((text) => text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0)],
  [
    "join",
    ["d", "attribute"],
    (input, args, budget) => {
      const attribute = args.optional("attribute") ?? null;
      const get = attribute === null ? null : attributeGetter(attribute, budget);
      const parts = iterate(input, budget).map((item) =>
        textOf(get === null ? item : get(item), budget),
      );
      return budget.text(parts.join(textOf(args.orElse("d", ""), budget)));
    },
  ],
];

function title(text: string): string {
  return text
    .split(WORD_START)
    .map((part) => {
      const [first = "", ...rest] = Array.from(part);
      return first.toUpperCase() + rest.join("").toLowerCase();
    })
    .join("");
}

function indent(input: Value, args: NamedArguments, budget: Budget): Value {
  if (input instanceof Markup) return asMarkup(indent(input.text, args, budget));
  if (typeof input !== "string") throw new TemplateError(`indents a ${typeOf(input)}`);
  const width = plain(args.orElse("width", 4));
  if (typeof width !== "string" && typeof width !== "number") {
    throw new TemplateError(`indents by a ${typeOf(width)}`);
  }
  if (typeof width === "number" && width > MAX_WIDTH) {
    throw new TemplateError(`indents by ${width}`);
  }
  const margin = typeof width === "string" ? width : " ".repeat(Math.max(0, width));
  const blank = truthy(args.optional("blank") ?? false);
  const lines = viaMethod("splitlines", `${input}\n`, [], budget) as readonly string[];
  budget.spend((lines.length * margin.length) / 16);
  const moved = lines.map((line, i) => (i > 0 && (blank || line !== "") ? margin + line : line));
  const first = truthy(args.optional("first") ?? false) ? margin : "";
  return budget.text(first + moved.join("\n"));
}

/** For odd widths Python puts the extra space on the left, else on the right. */
function center(text: string, width: number, budget: Budget): string {
  if (width > MAX_WIDTH) throw new TemplateError(`centres in ${width} columns`);
  const missing = Math.max(0, width - characters(text, budget).length);
  const left = Math.floor(missing / 2) + (missing & width & 1);
  return " ".repeat(left) + text + " ".repeat(missing - left);
}
