import { InvalidArgumentError } from "@gumshoe/core";
import { meanInterval } from "@gumshoe/grpo";
import { grade, type GraderName, type PuzzleRecord } from "@gumshoe/puzzles";

/** A reply to one of the cases of a file. */
export interface Reply {
  /** Which case, from 0. */
  readonly index: number;
  readonly reply: string;
}

interface ReplyLine {
  readonly index?: unknown;
  readonly reply?: unknown;
  readonly type?: unknown;
  readonly notScored?: unknown;
}

/** What `gumshoe puzzle grade --json` prints. */
export interface GradedReplies {
  /** Mean over the cases, each the mean of its replies. */
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Cases that have a reply. */
  readonly count: number;
  /** Score of every reply, in the order of the file. */
  readonly scores: readonly number[];
}

/**
 * Reads replies: a JSON array of texts in the order of the cases, or JSONL of `{index, reply}`.
 *
 * @param numCases  cases of the file that they belong to
 * @throws          InvalidArgumentError that names the place
 */
export function parseReplies(text: string, numCases: number): Reply[] {
  const replies = text.trimStart().startsWith("[") ? parseArray(text) : parseLines(text);
  if (replies.length === 0) throw new InvalidArgumentError("replies", "there are none");
  for (const [i, { index }] of replies.entries()) {
    if (index >= numCases) {
      const problem = `is for case ${index}, but there are ${numCases} cases (from 0)`;
      throw new InvalidArgumentError(`reply ${i + 1}`, problem);
    }
  }
  return replies;
}

/** Scores replies against their cases. */
export function gradeReplies(
  records: readonly PuzzleRecord[],
  replies: readonly Reply[],
  grader: GraderName,
): GradedReplies {
  const scores = replies.map(({ index, reply }) => {
    const solution = records[index]?.solution ?? {};
    return grade(reply, solution, { grader }).score;
  });
  const perCase = new Map<number, number[]>();
  for (const [i, { index }] of replies.entries()) {
    const ofCase = perCase.get(index) ?? [];
    ofCase.push(scores[i] ?? 0);
    perCase.set(index, ofCase);
  }
  const means = [...perCase.values()].map(
    (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  );
  const interval = meanInterval(means) ?? { mean: 0, low: 0, high: 0, count: 0 };
  return { ...interval, scores };
}

function parseArray(text: string): Reply[] {
  const values = parseJson(text, "replies");
  if (!Array.isArray(values)) throw new InvalidArgumentError("replies", "must be a list of texts");
  return values.map((value: unknown, index) => {
    if (typeof value === "string") return { index, reply: value };
    throw new InvalidArgumentError(`reply ${index + 1}`, "must be a text");
  });
}

function parseLines(text: string): Reply[] {
  const lines = text.split("\n").map((line, i) => ({ line, place: `line ${i + 1}` }));
  return (
    lines
      .filter(({ line }) => line.trim() !== "")
      .map(({ line, place }) => ({ value: parseJson(line, place) as ReplyLine | null, place }))
      // A file of `gumshoe eval --replies` begins with what it is for, and has replies of no text.
      .filter(({ value }) => value?.type === undefined && value?.notScored === undefined)
      .map(({ value, place }) => {
        const { index, reply } = value ?? {};
        if (typeof index !== "number" || !Number.isSafeInteger(index) || index < 0) {
          throw new InvalidArgumentError(`${place}: index`, "must be a whole number, 0 or more");
        }
        if (typeof reply !== "string") {
          throw new InvalidArgumentError(`${place}: reply`, "must be a text");
        }
        return { index, reply };
      })
  );
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new InvalidArgumentError(place, "is not JSON", { cause: thrown });
  }
}
