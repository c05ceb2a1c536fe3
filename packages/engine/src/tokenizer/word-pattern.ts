import { TokenizerError } from "../errors.js";
import { costProblem } from "./pattern-cost.js";

/** Length of one pattern in characters; published ones have some 300. */
const MAX_LENGTH = 5000;
/** White space in Python and Rust; JavaScript's `\s` differs. */
const SPACE = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
/**
 * DeepSeek's pattern for trailing spaces. The lookbehind makes the search start only at the beginning of a run, so
 * it takes one pass.
 */
const LAST_SPACES = "\\s+$";
/** Constructs that mean something else in JavaScript, or nothing. */
const FOREIGN = /\\[dDwWbBhHRXAzZGKkg]|\[\[|&&|\(\?[#>x]|\(\?<[^=!]|\(\?[a-z]*-/;
/** Letters that match others, or several, when case is ignored: `ß` is `ss` there, and the reverse. */
const FOLDED = /\(\?i:[^)]*?(?:[^\p{ASCII}]|ss|st|f[fil])/iu;
/** An escape, a class in brackets, a count, or one character. */
const ITEM = /\\[pP]\{[^}]*\}|\\[^]|\[(?:\\[^]|[^\]\\])*\]|\{\d*,?\d*\}|[^]/g;
const UNBOUNDED = /^(?:[*+]|\{(?:\d*,|\d*,\d{3,}|\d{3,})\})$/;
const REPEATS = /^(?:[*+?]|\{\d*,?\d*\})$/;

/** How GPT-2 splits texts into words: the pattern of a `ByteLevel` with `use_regex`. */
export const GPT2_WORDS =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * Rewrites a pattern of the Rust library so that JavaScript matches the same texts. Refuses constructs that it
 * would read differently, and patterns whose cost is unbounded.
 *
 * @throws TokenizerError naming the construct
 */
export function readWordPattern(pattern: string): string {
  const refuse = (problem: string) => {
    throw new TokenizerError("tokenizer.json", `has the pattern ${show(pattern)}, ${problem}`);
  };
  if (pattern.length > MAX_LENGTH) refuse(`which is longer than ${MAX_LENGTH} characters`);
  const foreign = FOREIGN.exec(pattern.replace(/\\\\/g, "  "));
  if (foreign !== null) refuse(`whose ${foreign[0]} is not known here`);
  const folded = FOLDED.exec(pattern);
  if (folded !== null) refuse(`whose ${folded[0]}... is not known here`);
  if (pattern === LAST_SPACES) return rewriteSpace(`(?<!\\s)${pattern}`, refuse);
  checkCost(pattern, refuse);
  return rewriteSpace(pattern, refuse);
}

const IS_SPACE = new RegExp(`^[${SPACE}]$`);

/** Removes white space, as Rust knows it, from the start or the end of a text, or both. */
export function trimSpace(text: string, sides: { start: boolean; end: boolean }): string {
  let [start, end] = [0, text.length];
  while (sides.start && start < end && IS_SPACE.test(text[start] ?? "")) start++;
  while (sides.end && start < end && IS_SPACE.test(text[end - 1] ?? "")) end--;
  return text.slice(start, end);
}

function show(pattern: string): string {
  return JSON.stringify(pattern.length > 80 ? `${pattern.slice(0, 80)}...` : pattern);
}

/** Refuses a pattern whose time grows faster than the text. */
function checkCost(pattern: string, refuse: (problem: string) => void): void {
  let last = "";
  for (const [item] of pattern.matchAll(ITEM)) {
    if (item === "+" && REPEATS.test(last)) refuse(`whose ${last}+ is not known here`);
    if (UNBOUNDED.test(item) && last === ")") refuse("which repeats a group: it may take for ever");
    last = item;
  }
  const problem = costProblem(pattern);
  if (problem !== null) refuse(problem);
}

/** Replaces white space classes by explicit characters, inside and outside of brackets. */
function rewriteSpace(pattern: string, refuse: (problem: string) => void): string {
  let inBrackets = false;
  return pattern.replace(/\\[^]|[[\]]/g, (token) => {
    if (token === "[" || token === "]") {
      inBrackets = token === "[";
      return token;
    }
    if (token === "\\s") return inBrackets ? SPACE : `[${SPACE}]`;
    if (token !== "\\S") return token;
    if (inBrackets) refuse("whose \\S in brackets is not known here");
    return `[^${SPACE}]`;
  });
}
