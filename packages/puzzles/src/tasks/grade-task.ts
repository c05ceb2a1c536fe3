import type { TaskGrade } from "../environment/environment.js";
import { grade, type GraderName, type QuestionGrade } from "../grading/grade.js";
import { normaliseAnswer } from "../grading/normalise-answer.js";
import { reasonsFirst } from "../grading/reasons-first.js";
import type { Question } from "../grading/replies.js";
import type { CaseTask } from "./task.js";

/**
 * Scores a reply to a task. Its reward is the share of right answers, main and bonus alike.
 *
 * Metrics: `allCorrect` 0 or 1, `mainScore` share of right answers to the main questions (omitted
 * when there are none), `answered` share of questions with any answer, `listed` share of questions
 * answered with a name that the case lists, `reasons` 1 if the reply reasons before it answers.
 */
export function gradeTask(task: CaseTask, reply: string, grader: GraderName = "fixed"): TaskGrade {
  const verdict = grade(reply, task.solution, { grader });
  const mainLetters = new Set(task.questions.filter(({ main }) => main).map((q) => q.letter));
  const main = verdict.questions.filter(({ letter }) => mainLetters.has(letter));
  const share = (holds: (question: QuestionGrade) => boolean) =>
    verdict.questions.filter(holds).length / verdict.questions.length;
  const asked = new Map(task.questions.map((question) => [question.letter, question]));
  return {
    reward: verdict.score,
    metrics: {
      allCorrect: verdict.allCorrect ? 1 : 0,
      answered: share(({ given }) => given !== null),
      listed: share(({ letter, given }) => isListed(asked.get(letter), given)),
      reasons: reasonsFirst(reply) ? 1 : 0,
      ...(main.length > 0 && {
        mainScore: main.filter(({ correct }) => correct).length / main.length,
      }),
    },
  };
}

function isListed(question: Question | undefined, given: string | null): boolean {
  if (given === null) return false;
  const answer = normaliseAnswer(given);
  return question?.choices.some((name) => normaliseAnswer(name) === answer) ?? false;
}
