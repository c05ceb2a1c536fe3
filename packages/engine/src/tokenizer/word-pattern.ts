import { TokenizerError } from "../errors.js";
import { costProblem } from "./pattern-cost.js";

/** Characters of one pattern; published ones have some 300. */
const MAX_LENGTH = 5000;
/** Python's and Rust's white space; that of JavaScript has others. */
const SPACE = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
/** DeepSeek's. A run of spaces that ends the text begins where no space stands before: found in one pass. */
const LAST_SPACES = "\\s+$";
/** What means something else in JavaScript, or nothing. */
const FOREIGN = /\\[dDwWbBhHRXAzZGKkg]|\[\[|&&|\(\?[#>x]|\(\?<[^=!]|\(\?[a-z]*-/;
/** An escape, a class in brackets, a count, or one character. */
const ITEM = /\\[pP]\{[^}]*\}|\\[^]|\[(?:\\[^]|[^\]\\])*\]|\{\d*,?\d*\}|[^]/g;
const UNBOUNDED = /^(?:[*+]|\{(?:\d*,|\d*,\d{3,}|\d{3,})\})$/;
const REPEATS = /^(?:[*+?]|\{\d*,?\d*\})$/;

/** How GPT-2 cuts texts into words: what a `ByteLevel` with `use_regex` does. */
export const GPT2_WORDS =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * Rewrites a pattern of the Rust library so that JavaScript reads it as Rust does, and refuses one that
 * it would read otherwise, or that may take for ever.
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
  if (pattern === LAST_SPACES) return rewriteSpace(`(?<!\\s)${pattern}`, refuse);
  checkCost(pattern, refuse);
  return rewriteSpace(pattern, refuse);
}

function show(pattern: string): string {
  return JSON.stringify(pattern.length > 80 ? `${pattern.slice(0, 80)}...` : pattern);
}

/** Refuses what takes time that grows faster than the text. */
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

/** Writes white space out, inside and outside of brackets. */
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
