import { type TaskGrade } from "../environment/environment.js";
import { grade, type GraderName } from "../grading/grade.js";
import { type CaseTask } from "./task.js";

/**
 * Scores a reply to a task. Its reward is the share of right answers, main and bonus alike.
 *
 * Metrics: `allCorrect` 0 or 1, `mainScore` share of right answers to the main questions (omitted
 * when there are none), `answered` share of questions with any answer.
 */
export function gradeTask(task: CaseTask, reply: string, grader: GraderName = "fixed"): TaskGrade {
  const verdict = grade(reply, task.solution, { grader });
  const mainLetters = new Set(task.questions.filter(({ main }) => main).map((q) => q.letter));
  const main = verdict.questions.filter(({ letter }) => mainLetters.has(letter));
  const answered = verdict.questions.filter(({ given }) => given !== null).length;
  return {
    reward: verdict.score,
    metrics: {
      allCorrect: verdict.allCorrect ? 1 : 0,
      answered: answered / verdict.questions.length,
      ...(main.length > 0 && {
        mainScore: main.filter(({ correct }) => correct).length / main.length,
      }),
    },
  };
}
