import type { Task, TaskGrade } from "@gumshoe/puzzles";

import { checkGrade, checkGroupGrades, type RewardWeights } from "./check-grade.js";
import type { ModuleHost } from "./module-host.js";

/** Characters of a reply in an error message. */
const SHOWN_REPLY = 80;

/** What a module grades. */
export interface ModuleGrading {
  readonly task: Task;
  readonly replies: readonly string[];
  /** Weights of the rewards by name; null where each has weight 1. */
  readonly weights: RewardWeights | null;
  /** Processes of the module that may end during the call. */
  readonly tries?: number | undefined;
}

/**
 * Grades replies by a module's `grade`, or all in one call by its `gradeGroup`.
 *
 * @throws ModuleFailedError, naming the task and the first reply, when the module cannot be run
 */
export async function gradeByModule(
  host: ModuleHost,
  { task, replies, weights, tries }: ModuleGrading,
): Promise<TaskGrade[]> {
  const about = `grading task ${task.id}, whose first reply begins ${beginning(replies[0] ?? "")}`;
  if (!host.gradesGroups) {
    const outcomes = await host.call({ call: "grade", task, replies }, about, tries);
    return outcomes.map((outcome) => checkGrade(outcome, { origin: "grade()", weights }));
  }
  if (replies.length === 0) return [];
  const [outcome] = await host.call({ call: "gradeGroup", task, replies }, about, tries);
  if (outcome === undefined) throw new Error("a call has a result");
  const count = replies.length;
  return checkGroupGrades(outcome, { origin: "gradeGroup()", weights, count });
}

/** Returns the beginning of a reply as JSON, for messages. */
export function beginning(reply: string): string {
  const shown = reply.slice(0, SHOWN_REPLY);
  return JSON.stringify(shown.length < reply.length ? `${shown}...` : shown);
}
