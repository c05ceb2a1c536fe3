/** Tries the grader of a run before it starts, with replies that no model has written. */
import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { hasThrown, isWrongForm, type RunEnvironment } from "@gumshoe/environments";
import type { Task, TaskGrade } from "@gumshoe/puzzles";

/** Replies in forms that graders look for; tried if a grader throws for all others. */
const COMMON_FORMS = [
  "42",
  "yes",
  "A. Mrs. Peacock\nB. Rope",
  "The answer is \\boxed{42}.",
  "<think>Six times seven.</think>\n<answer>42</answer>",
  '{"answer": 42}',
  "```\n42\n```",
];

/** A grader to try. */
export interface TriedGrader {
  /** Config field that names it. */
  readonly field: string;
  readonly environment: RunEnvironment;
  /** Whether the run grades answers with it. */
  readonly isUsed: boolean;
}

/**
 * Grades an empty reply, the task's answer and the reference reply. A grader that throws for all of
 * them is asked for replies of common forms too: a strict one may accept its own form alone.
 *
 * @throws InvalidArgumentError when a grade has the wrong form, when the reference reply cannot be
 *   scored, or when `grade()` throws for every reply
 */
export async function checkGrader(grader: TriedGrader, task: Task): Promise<void> {
  const { field, environment, isUsed } = grader;
  const gold = await environment.goldReply?.(task);
  const replies = [...(gold === undefined ? [] : [gold]), ...answerText(task), ""];
  const grades = await gradeOnce(grader, task, replies);
  checkForm(field, grades);
  if (!isUsed) return;
  const [first] = grades;
  if (gold !== undefined && first?.reward === null) {
    const problem = `the reference reply of ${task.id} cannot be scored: ${first.reason}`;
    throw new InvalidArgumentError(field, problem);
  }
  if (!grades.every(hasThrown)) return;
  const more = await gradeOnce(grader, task, COMMON_FORMS);
  checkForm(field, more);
  if (first?.reward !== null || !more.every(hasThrown)) return;
  const count = replies.length + COMMON_FORMS.length;
  const problem = `${first.reason} (so for each of ${count} replies to ${task.id})`;
  throw new InvalidArgumentError(field, problem, {
    suggestion: "return { reward: null, reason } for a reply that cannot be scored",
  });
}

/** Returns a module's answer to a task as a reply, if it is a text or a number. */
function answerText(task: Task): string[] {
  const { answer } = task as { readonly answer?: unknown };
  return typeof answer === "string" || typeof answer === "number" ? [String(answer)] : [];
}

function checkForm(field: string, grades: readonly TaskGrade[]): void {
  const wrong = grades.find(isWrongForm);
  if (wrong?.reward === null) throw new InvalidArgumentError(field, wrong.reason);
}

/** Grades without retries, because the submitting user waits for the response. */
async function gradeOnce(
  { field, environment }: TriedGrader,
  task: Task,
  replies: readonly string[],
): Promise<TaskGrade[]> {
  try {
    return await environment.grade(task, replies, { tries: 1 });
  } catch (cause) {
    throw new InvalidArgumentError(field, errorMessage(cause), { cause });
  }
}
