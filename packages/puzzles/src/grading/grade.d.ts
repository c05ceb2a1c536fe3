/**
 * How a reply is read. `fixed` is the default; `seed` scores as the published recipe does, which can
 * never credit a time of day, so that figures can be compared with the published ones.
 */
export type GraderName = "fixed" | "seed";
/** The verdict on one question. */
export interface QuestionGrade {
  letter: string;
  /** What the reply answers, as it stands there; null when there is no answer. */
  given: string | null;
  expected: string;
  correct: boolean;
}
/** The verdict on a reply. */
export interface Grade {
  /** Right answers / questions, 0 to 1. */
  score: number;
  allCorrect: boolean;
  questions: QuestionGrade[];
}
/**
 * Scores a reply against the solution of its case.
 *
 * Never throws for a reply, whatever it holds: one without answers scores 0.
 *
 * @param solution  answer by letter, one at least
 */
export declare function grade(
  reply: string,
  solution: Readonly<Record<string, string>>,
  options?: {
    grader?: GraderName;
  },
): Grade;
//# sourceMappingURL=grade.d.ts.map
