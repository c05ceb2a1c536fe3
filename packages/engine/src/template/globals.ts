import { TemplateDateError, TemplateError } from "../errors.js";
import type { Budget } from "./budget.js";
import { NamedArguments } from "./call-arguments.js";
import { iterate, newKeyOf } from "./compare-values.js";
import { textOf } from "./python-text.js";
import { strftime } from "./strftime.js";
import {
  type Arguments,
  Callable,
  type Dict,
  exactInt,
  Namespace,
  ObjectValue,
  typeOf,
  type Value,
  View,
} from "./values.js";

/** Jinja's sandbox refuses longer ranges. */
const MAX_RANGE = 100_000;

/**
 * Returns the global functions of a template: Jinja's, and two that Transformers adds.
 *
 * @param date  for `strftime_now`, `YYYY-MM-DD`; null if there is none
 */
export function globals(budget: Budget, date: string | null): Map<string, Value> {
  const functions: [string, (args: Arguments) => Value][] = [
    ["range", (args) => range(args, budget)],
    ["dict", (args) => dictOf(args, budget)],
    ["namespace", (args) => namespace(args, budget)],
    ["cycler", (args) => cycler(args)],
    ["joiner", (args) => joiner(args)],
    [
      "lipsum",
      () => {
        throw new TemplateError("calls lipsum, which is random");
      },
    ],
    [
      "raise_exception",
      ({ positional: [message = ""] }) => {
        throw new TemplateError(`refuses: ${textOf(message, budget)}`);
      },
    ],
    [
      "strftime_now",
      (args) => {
        const format = new NamedArguments("strftime_now", args, ["format"]).any("format");
        if (typeof format !== "string") {
          throw new TemplateError(`gives strftime_now a ${typeOf(format)}`);
        }
        if (date === null) throw new TemplateDateError();
        return budget.text(strftime(format, date));
      },
    ],
  ];
  return new Map(functions.map(([name, call]) => [name, new Callable(name, call)]));
}

function range(args: Arguments, budget: Budget): Value {
  const [first, second, third] = args.positional.map((value) => {
    if (typeof value === "number" || typeof value === "boolean") return Number(value);
    throw new TemplateError("makes a range of what is no integer");
  });
  if (first === undefined) throw new TemplateError("makes a range without an end");
  const [start, end, step] = second === undefined ? [0, first, 1] : [first, second, third ?? 1];
  if (step === 0) throw new TemplateError("makes a range with steps of 0");
  const count = Math.max(0, Math.ceil((end - start) / step));
  if (count > MAX_RANGE) throw new TemplateError(`makes a range of more than ${MAX_RANGE}`);
  budget.spend(1 + count / 16);
  return new View(
    "range",
    Array.from({ length: count }, (_, i) => exactInt(start + i * step)),
  );
}

function dictOf({ positional: [source], named }: Arguments, budget: Budget): Dict {
  const dict: Dict = new Map();
  if (source instanceof Map) for (const [key, value] of source) dict.set(key, value);
  else if (source !== undefined) {
    for (const pair of iterate(source, budget)) {
      const [key, value, ...rest] = iterate(pair, budget);
      if (key === undefined || value === undefined || rest.length > 0) {
        throw new TemplateError("makes a dict of what are no pairs");
      }
      dict.set(newKeyOf(key, budget), value);
    }
  }
  for (const [name, value] of named) dict.set(name, value);
  return dict;
}

function namespace(args: Arguments, budget: Budget): Namespace {
  const fields = new Map<string, Value>();
  for (const [key, value] of dictOf(args, budget)) fields.set(textOf(key, budget), value);
  return new Namespace(fields);
}

function cycler({ positional }: Arguments): ObjectValue {
  let index = 0;
  const item = () => {
    const value = positional[index];
    if (value === undefined) throw new TemplateError("cycles through nothing");
    return value;
  };
  const next = new Callable("next", () => {
    const value = item();
    index = (index + 1) % positional.length;
    return value;
  });
  const reset = new Callable("reset", () => {
    index = 0;
    return null;
  });
  return new ObjectValue("Cycler", (name) => {
    if (name === "current") return item();
    return name === "next" ? next : name === "reset" ? reset : undefined;
  });
}

function joiner(args: Arguments): Callable {
  const separator = new NamedArguments("joiner", args, ["sep"]).text("sep", ", ");
  let used = false;
  return new Callable("joiner", () => {
    const text = used ? separator : "";
    used = true;
    return text;
  });
}
