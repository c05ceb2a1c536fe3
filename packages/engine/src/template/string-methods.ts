import { TemplateError } from "../errors.js";
import { formatBraces } from "./brace-format.js";
import type { Budget } from "./budget.js";
import { NamedArguments } from "./call-arguments.js";
import { iterate } from "./compare-values.js";
import {
  capitalized,
  characters,
  isLower,
  isSpace,
  isUpper,
  strip,
  titleCase,
} from "./python-text.js";
import { type Arguments, Callable, plain, Tuple, typeOf, type Value } from "./values.js";

type Method = (text: string, args: NamedArguments, budget: Budget) => Value;

/** Characters to which a method may pad a text. */
const MAX_WIDTH = 100_000;
/** Python's `splitlines` also splits at the separators of ASCII and Unicode. */
const SEPARATORS = "\\x1c-\\x1e\\x85\\u2028\\u2029";
const LINE_END = new RegExp(`\\r\\n|[\\n\\v\\f\\r${SEPARATORS}]`);
const LETTERS = /^\p{L}+$/u;
const DIGITS = /^[\p{Nd}\u00b2\u00b3\u00b9\u2070\u2074-\u2079\u2080-\u2089]+$/u;
const LETTERS_AND_NUMBERS = /^[\p{L}\p{N}]+$/u;

function stripping(ends: "left" | "right" | "both"): [readonly string[], Method] {
  return [["chars"], (text, args) => strip(text, ends, args.text("chars", null))];
}

function affix(kind: "startsWith" | "endsWith"): [readonly string[], Method] {
  return [
    ["affix"],
    (text, args) => {
      const wanted = args.any("affix");
      const all = wanted instanceof Tuple ? wanted.items : [wanted];
      return all.some((one) => text[kind](asText(one)));
    },
  ];
}

function check(test: (text: string) => boolean): [readonly string[], Method] {
  return [[], (text) => test(text)];
}

function padding(write: (text: string, missing: number, fill: string) => string) {
  const method: Method = (text, args, budget) => {
    const width = args.int("width", 0);
    if (width > MAX_WIDTH) throw new TemplateError(`pads a text to ${width} characters`);
    const missing = width - characters(text, budget).length;
    return missing <= 0 ? text : write(text, missing, args.text("fill", " "));
  };
  return [["width", "fill"], method] as [readonly string[], Method];
}

const METHODS: Readonly<Record<string, [parameters: readonly string[], Method]>> = {
  strip: stripping("both"),
  lstrip: stripping("left"),
  rstrip: stripping("right"),
  startswith: affix("startsWith"),
  endswith: affix("endsWith"),
  upper: [[], (text) => text.toUpperCase()],
  lower: [[], (text) => text.toLowerCase()],
  casefold: [[], (text) => casefold(text)],
  title: [[], (text) => titleCase(text)],
  capitalize: [[], (text) => capitalized(text)],
  split: [["sep", "maxsplit"], (text, args, budget) => split(text, args, budget)],
  rsplit: [["sep", "maxsplit"], (text, args, budget) => splitFromEnd(text, args, budget)],
  splitlines: [[], (text) => lines(text)],
  replace: [["old", "new", "count"], (text, args, budget) => replace(text, args, budget)],
  join: [
    ["items"],
    (text, args, budget) => budget.text(iterate(args.any("items"), budget).map(asText).join(text)),
  ],
  find: [
    ["sub"],
    (text, args, budget) => place(text, text.indexOf(asText(args.any("sub"))), budget),
  ],
  index: [
    ["sub"],
    (text, args, budget) => {
      const at = text.indexOf(asText(args.any("sub")));
      if (at < 0) throw new TemplateError("looks for the place of a text that is not there");
      return place(text, at, budget);
    },
  ],
  rfind: [
    ["sub"],
    (text, args, budget) => place(text, text.lastIndexOf(asText(args.any("sub"))), budget),
  ],
  count: [["sub"], (text, args, budget) => numPieces(text, asText(args.any("sub")), budget)],
  partition: [["sep"], (text, args) => partition(text, asText(args.any("sep")), false)],
  rpartition: [["sep"], (text, args) => partition(text, asText(args.any("sep")), true)],
  removeprefix: [
    ["prefix"],
    (text, args) => {
      const prefix = asText(args.any("prefix"));
      return text.startsWith(prefix) ? text.slice(prefix.length) : text;
    },
  ],
  removesuffix: [
    ["suffix"],
    (text, args) => {
      const suffix = asText(args.any("suffix"));
      return suffix !== "" && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
    },
  ],
  isdigit: check((text) => isDigits(text)),
  isalpha: check((text) => LETTERS.test(text)),
  isalnum: check((text) => LETTERS_AND_NUMBERS.test(text)),
  isspace: check((text) => text !== "" && Array.from(text).every(isSpace)),
  isupper: check(isUpper),
  islower: check(isLower),
  ljust: padding((text, missing, fill) => text + fill.repeat(missing)),
  rjust: padding((text, missing, fill) => fill.repeat(missing) + text),
  center: padding((text, missing, fill) => {
    // For odd widths Python puts the extra character on the left.
    const left = Math.floor(missing / 2) + (missing & (missing + Array.from(text).length) & 1);
    return fill.repeat(left) + text + fill.repeat(missing - left);
  }),
  zfill: padding((text, missing) => {
    const sign = /^[-+]/.exec(text)?.[0] ?? "";
    return sign + "0".repeat(missing) + text.slice(sign.length);
  }),
};

/** Methods of Python's `str` that are not supported. */
const NOT_HERE = [
  ...["encode", "format_map", "translate", "maketrans", "expandtabs", "swapcase"],
  ...["rindex", "isascii", "isdecimal", "isnumeric", "isidentifier", "isprintable", "istitle"],
];

/** Returns a method of a text; undefined if Python's `str` has none of that name. */
export function stringMethod(text: string, name: string, budget: Budget): Callable | undefined {
  if (name === "format") return new Callable(name, (args) => formatBraces(text, args, budget));
  const found = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (found === undefined) {
    if (!NOT_HERE.includes(name)) return undefined;
    throw new TemplateError(`uses the method .${name}() of a text, not known here`);
  }
  const [parameters, method] = found;
  return new Callable(name, (args: Arguments) => {
    budget.text(text);
    const result = method(text, new NamedArguments(`.${name}()`, args, parameters), budget);
    return typeof result === "string" ? budget.text(result) : result;
  });
}

/** Outside ASCII, Python's `casefold` changes some letters to others than their lowercase forms. */
function casefold(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  throw new TemplateError("uses .casefold() on letters beyond ASCII, not known here");
}

/** Python counts some other numbers as digits, such as circled ones. */
function isDigits(text: string): boolean {
  if (DIGITS.test(text)) return true;
  if (!/\p{No}/u.test(text)) return false;
  throw new TemplateError("uses .isdigit() on numbers that are no plain digits, not known here");
}

function asText(given: Value): string {
  const value = plain(given);
  if (typeof value === "string") return value;
  throw new TemplateError(`uses a ${typeOf(value)} where a str is needed`);
}

function split(text: string, args: NamedArguments, budget: Budget): Value {
  const separator = args.text("sep", null);
  const most = args.int("maxsplit", -1);
  const limit = most < 0 ? Infinity : most;
  if (separator === "") throw new TemplateError("splits a text by an empty separator");
  if (separator === null) {
    const found = words(text, limit);
    budget.spend(found.length / 16);
    return found;
  }
  const pieces = text.split(separator);
  budget.spend(pieces.length / 16);
  if (pieces.length <= limit + 1) return pieces;
  return [...pieces.slice(0, limit), pieces.slice(limit).join(separator)];
}

function words(text: string, limit: number): string[] {
  const found: string[] = [];
  let rest = strip(text, "left", null);
  if (limit === Infinity) {
    let word = "";
    for (const character of rest) {
      if (!isSpace(character)) word += character;
      else if (word !== "") {
        found.push(word);
        word = "";
      }
    }
    return word === "" ? found : [...found, word];
  }
  const letters = Array.from(rest);
  let at = 0;
  while (at < letters.length && found.length < limit) {
    const begin = at;
    while (at < letters.length && !isSpace(letters[at] ?? "")) at++;
    // The last word is the rest of the text, unchanged.
    if (at === letters.length) return [...found, letters.slice(begin).join("")];
    found.push(letters.slice(begin, at).join(""));
    while (at < letters.length && isSpace(letters[at] ?? "")) at++;
  }
  rest = letters.slice(at).join("");
  return rest === "" ? found : [...found, rest];
}

function splitFromEnd(text: string, args: NamedArguments, budget: Budget): Value {
  const separator = args.text("sep", null);
  const most = args.int("maxsplit", -1);
  if (most < 0) return split(text, args, budget);
  if (separator === null || separator === "") {
    throw new TemplateError("uses .rsplit() without a separator, not known here");
  }
  const pieces = text.split(separator);
  budget.spend(pieces.length / 16);
  if (pieces.length <= most + 1) return pieces;
  const first = pieces.slice(0, pieces.length - most).join(separator);
  return [first, ...pieces.slice(pieces.length - most)];
}

function lines(text: string): string[] {
  const all = text.split(LINE_END);
  return all.at(-1) === "" ? all.slice(0, -1) : all;
}

function replace(text: string, args: NamedArguments, budget: Budget): string {
  const old = asText(args.any("old"));
  const fresh = asText(args.any("new"));
  const most = args.int("count", -1);
  const pieces = old === "" ? ["", ...Array.from(text), ""] : text.split(old);
  budget.spend(pieces.length / 16 + (pieces.length * fresh.length) / 16);
  const limit = most < 0 ? pieces.length : most;
  const head = pieces.slice(0, limit + 1).join(fresh);
  const tail = pieces.slice(limit + 1);
  return tail.length === 0 ? head : [head, ...tail].join(old);
}

function place(text: string, index: number, budget: Budget): number {
  return index < 0 ? -1 : characters(text.slice(0, index), budget).length;
}

function numPieces(text: string, part: string, budget: Budget): number {
  return part === "" ? characters(text, budget).length + 1 : text.split(part).length - 1;
}

function partition(text: string, separator: string, fromEnd: boolean): Value {
  if (separator === "") throw new TemplateError("partitions a text by an empty separator");
  const at = fromEnd ? text.lastIndexOf(separator) : text.indexOf(separator);
  if (at >= 0) return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
  return new Tuple(fromEnd ? ["", "", text] : [text, "", ""]);
}
