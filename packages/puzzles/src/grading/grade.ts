import { extractAnswers, extractSeedAnswer } from "./extract-answers.js";
import { normaliseAnswer } from "./normalise-answer.js";

/**
 * How replies are read. `fixed` is the default; `seed` scores like the published recipe, which can
 * never credit a time of day, so that results can be compared with the published ones.
 */
export type GraderName = "fixed" | "seed";

/** The grade of one question. */
export interface QuestionGrade {
  letter: string;
  /** The reply's answer as written; null when there is none. */
  given: string | null;
  expected: string;
  correct: boolean;
}

/** The grade of a reply. */
export interface Grade {
  /** Right answers / questions, 0 to 1. */
  score: number;
  allCorrect: boolean;
  questions: QuestionGrade[];
}

/**
 * Scores a reply against the solution of its case.
 *
 * Never throws, whatever the reply contains: one without answers scores 0.
 *
 * @param solution  answer by letter, at least one
 */
export function grade(
  reply: string,
  solution: Readonly<Record<string, string>>,
  options: { grader?: GraderName } = {},
): Grade {
  const verdicts =
    options.grader === "seed" ? gradeLikeSeed(reply, solution) : gradeFairly(reply, solution);
  const right = verdicts.filter(({ correct }) => correct).length;
  return {
    score: verdicts.length === 0 ? 0 : right / verdicts.length,
    allCorrect: verdicts.length > 0 && right === verdicts.length,
    questions: verdicts,
  };
}

function gradeFairly(reply: string, solution: Readonly<Record<string, string>>): QuestionGrade[] {
  const answers = extractAnswers(reply);
  return Object.entries(solution).map(([letter, expected]) => {
    const given = answers.get(letter) ?? null;
    const correct = given !== null && normaliseAnswer(given) === normaliseAnswer(expected);
    return { letter, given, expected, correct };
  });
}

function gradeLikeSeed(reply: string, solution: Readonly<Record<string, string>>): QuestionGrade[] {
  return Object.entries(solution).map(([letter, expected]) => {
    const given = extractSeedAnswer(reply, letter);
    const correct = given !== null && given.trim().toLowerCase() === expected.toLowerCase();
    return { letter, given, expected, correct };
  });
}
