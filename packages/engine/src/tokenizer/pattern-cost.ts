/**
 * Bounds the cost of a regular expression before any text is matched. JavaScript tries the expression at every
 * position of a text, and backtracks over a repetition if what follows does not match. Two rules keep the time
 * linear:
 *
 * - At one position there are few ways to match, with backtracking over at most one unbounded repetition.
 * - An alternative with such a repetition is followed by one that matches the whole run of these characters, so
 *   that the next position tried is after the run.
 */

/** Ways to match at one position; published patterns have some ten. */
const MAX_WAYS = 256;
/** A repetition with at least this maximum counts as unbounded. */
const UNBOUNDED = 100;
/** An escape, a class in brackets, a count, or one character. */
const TOKEN = /\\[pP]\{[^}]*\}|\\[^]|\[(?:\\[^]|[^\]\\])*\]|\{\d*,?\d*\}|[^]/gu;
const COUNT = /^\{(\d*)(,?)(\d*)\}$/;
/** Openings of lookaheads and lookbehinds. */
const LOOKS = ["?=", "?!", "?<=", "?<!"];

interface Item {
  readonly kind: "part" | "group" | "look" | "anchor";
  /** Source text of an atom; equal texts match the same characters. */
  readonly source: string;
  /** Alternatives of a group. */
  readonly alternatives: readonly Sequence[];
  least: number;
  most: number;
  /** Whether the repetition is lazy. */
  isLazy: boolean;
}

type Sequence = readonly Item[];

/** Returns why a pattern's time may grow faster than the length of the text; null if it cannot. */
export function costProblem(pattern: string): string | null {
  const alternatives = new PatternReader(pattern).alternatives();
  for (const [i, alternative] of alternatives.entries()) {
    const { ways, backtracked } = costOf(alternative, false);
    if (ways > MAX_WAYS) return "which matches in too many ways: it may take for ever";
    if (backtracked.length === 0) continue;
    const [part] = backtracked;
    const isSafe =
      backtracked.length === 1 &&
      part !== undefined &&
      alternative.includes(part) &&
      isTaken(part.source, alternatives.slice(i + 1));
    if (!isSafe) return "which backtracks over what it repeats: it may take for ever";
  }
  return null;
}

/** Returns whether the next alternative consumes a whole run of these characters. */
function isTaken(source: string, [next, ...others]: readonly Sequence[]): boolean {
  if (next === undefined) return false;
  const at = next.findIndex(({ kind, least }) => kind === "part" && least > 0);
  const before = next.slice(0, Math.max(0, at));
  const [run, ...behind] = next.slice(at);
  if (run?.source !== source || run.least > 1 || run.most < UNBOUNDED) return false;
  if (run.isLazy) return false;
  if (!before.every(({ least, most }) => least === 0 && most <= 1)) return false;
  if (behind.every(({ least }) => least === 0)) return true;
  // `\s+(?!\S)` matches the run without its last character, or fails and leaves it to the next alternative.
  const [look] = behind;
  const isLook = behind.length === 1 && look?.kind === "look" && look.source === "?!";
  return isLook && before.length === 0 && isTaken(source, others);
}

interface Cost {
  /** Ways to match at one position, not counting the lengths of unbounded parts. */
  readonly ways: number;
  /** Unbounded parts that are backtracked over when the rest does not match. */
  readonly backtracked: readonly Item[];
}

/** @param mayFail  whether what follows the sequence can fail to match */
function costOf(sequence: Sequence, mayFail: boolean): Cost {
  let ways = 1;
  const backtracked: Item[] = [];
  let fails = mayFail;
  for (const item of [...sequence].reverse()) {
    const { kind, least, most, alternatives } = item;
    const isUnbounded = most >= UNBOUNDED;
    if (kind === "part" && fails) {
      if (isUnbounded) backtracked.push(item);
      else ways *= most - least + 1;
    }
    if (kind === "group" || kind === "look") {
      const inner = alternatives.map((one) => costOf(one, kind === "group" && (fails || most > 1)));
      const sum = inner.reduce((total, one) => total + one.ways, 0);
      ways *= sum ** most * (fails ? most - least + 1 : 1);
      backtracked.push(...inner.flatMap((one) => one.backtracked));
      // The next position that is tried lies inside the text that the lookaround scanned.
      if (kind === "look" && alternatives.some(hasUnbounded)) backtracked.push(item);
    }
    if (least > 0 || kind === "anchor") fails = true;
  }
  return { ways, backtracked };
}

function hasUnbounded(sequence: Sequence): boolean {
  return sequence.some(
    ({ most, alternatives }) => most >= UNBOUNDED || alternatives.some(hasUnbounded),
  );
}

/** Parses a pattern into alternatives of atoms and groups. */
class PatternReader {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#tokens = pattern.match(TOKEN) ?? [];
  }

  alternatives(): Sequence[] {
    const all: Item[][] = [[]];
    for (; this.#at < this.#tokens.length; this.#at++) {
      const token = this.#tokens[this.#at] as string;
      const sequence = all.at(-1) as Item[];
      if (token === ")") return all;
      const last = sequence.at(-1);
      const count = countOf(token);
      if (token === "|") all.push([]);
      else if (count !== null && last !== undefined) {
        if (token === "?" && this.#isCount(this.#at - 1)) last.isLazy = true;
        else [last.least, last.most] = count;
      } else if (token === "(") sequence.push(this.#group());
      else sequence.push(item(token === "^" || token === "$" ? "anchor" : "part", token));
    }
    return all;
  }

  /** Parses a group from its opening to its closing bracket. */
  #group(): Item {
    this.#at++;
    let prefix = "";
    if (this.#tokens[this.#at] === "?") {
      while (this.#at < this.#tokens.length && !/[:=!]$/.test(prefix)) {
        prefix += this.#tokens[this.#at++] ?? "";
      }
    }
    return item(LOOKS.includes(prefix) ? "look" : "group", prefix, this.alternatives());
  }

  #isCount(at: number): boolean {
    return countOf(this.#tokens[at] ?? "") !== null;
  }
}

function item(kind: Item["kind"], source: string, alternatives: readonly Sequence[] = []): Item {
  return { kind, source, alternatives, least: 1, most: 1, isLazy: false };
}

/** Parses a count; returns its minimum and maximum, or null if there is none. */
function countOf(token: string): [least: number, most: number] | null {
  if (token === "*") return [0, Infinity];
  if (token === "+") return [1, Infinity];
  if (token === "?") return [0, 1];
  const [, least = "", comma, most = ""] = COUNT.exec(token) ?? [];
  if (comma === undefined || least + most === "") return null;
  const low = Number(least);
  return [low, comma === "" ? low : most === "" ? Infinity : Number(most)];
}
