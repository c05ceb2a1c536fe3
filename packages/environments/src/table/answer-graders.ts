/**
 * Graders of replies with one right answer, without code of a user. They read what follows the last
 * `</think>` of a reply, and give 1 or 0.
 */
import type { TaskGrade } from "@gumshoe/puzzles";

/** Ends the reasoning of a reply. */
const THOUGHT_END = "</think>";

/** Name of a grader: a value of `grader.type`. */
export type AnswerGraderName = "exact" | "number" | "choice";

/** A grader of answers. */
interface AnswerGrader {
  /** Reads the answer of a text: of a reply, or of the right answer; null when it has none. */
  readonly read: (text: string) => string | null;
  /** What it reads, for errors. */
  readonly reads: string;
}

/** A number: digits with commas between thousands, a fraction, an exponent. */
const NUMBER = /[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?/g;
/** A capital letter that no letter, digit or apostrophe touches. */
const LETTER = /(?<![\p{L}\p{N}'’])[A-J](?![\p{L}\p{N}'’])/gu;

/** The graders by name. */
export const ANSWER_GRADERS: Readonly<Record<AnswerGraderName, AnswerGrader>> = {
  exact: {
    reads: "text",
    read: (text) => text.normalize("NFKC").trim().replace(/\s+/gu, " ").toLowerCase() || null,
  },
  number: {
    reads: "number",
    read: (text) => {
      const last = text.match(NUMBER)?.at(-1);
      const value = last === undefined ? Number.NaN : Number(last.replaceAll(",", ""));
      return Number.isFinite(value) ? String(value) : null;
    },
  },
  choice: {
    reads: "letter A to J of its own",
    read: (text) => text.match(LETTER)?.at(-1) ?? null,
  },
};

/** Grades a reply by the right answer. */
export function gradeAnswer(name: AnswerGraderName, answer: string, reply: string): TaskGrade {
  const { read } = ANSWER_GRADERS[name];
  const given = read(reply.split(THOUGHT_END).at(-1) ?? "");
  return {
    reward: given !== null && given === read(answer) ? 1 : 0,
    metrics: { answered: given === null ? 0 : 1 },
  };
}
