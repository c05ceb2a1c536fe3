import { sha256 } from "@gumshoe/core";

import { listAt, objectAt, solutionAt, textAt } from "../environment/json-field.js";
import { readTask, type Task } from "../environment/task.js";
import { TaskFormatError } from "../errors.js";
import { type Question, randomGuessLevel } from "../grading/replies.js";
import { type Kind, KINDS } from "../names.js";

/** A Temporal Clue case as a task. */
export interface CaseTask extends Task {
  /** Answer by letter. */
  solution: Readonly<Record<string, string>>;
  questions: readonly Question[];
}

/** Makes a task from a prompt with its questions and solution. */
export function makeTask(parts: {
  id: string;
  prompt: string;
  solution: Readonly<Record<string, string>>;
  questions: readonly Question[];
}): CaseTask {
  const { id, prompt, solution, questions } = parts;
  return {
    id,
    contentHash: hashCase(prompt, solution),
    messages: [{ role: "user", content: prompt }],
    solution,
    questions,
    randomGuessLevel: randomGuessLevel({ questions }),
  };
}

/** Returns the content hash of a prompt with its answers. */
export function hashCase(prompt: string, solution: Readonly<Record<string, string>>): string {
  const answers = Object.entries(solution).map(([letter, answer]) => `${letter}. ${answer}`);
  return sha256([prompt, ...answers].join("\n"));
}

/**
 * Parses the task of a case from JSON.
 *
 * @throws TaskFormatError naming the field
 */
export function caseTaskFromJson(text: string): CaseTask {
  const { task, fields } = readTask(text);
  const { id, contentHash, messages, randomGuessLevel: level } = task;
  const solution = solutionAt("task.solution", fields["solution"]);
  const questions = listAt("task.questions", fields["questions"]).map(question);
  return { id, contentHash, messages, solution, questions, randomGuessLevel: level };
}

function question(value: unknown, index: number): Question {
  const field = `task.questions[${index}]`;
  const { letter, kind, main, choices } = objectAt(field, value);
  if (!KINDS.includes(kind as Kind)) {
    throw new TaskFormatError(`${field}.kind`, `must be one of ${KINDS.join(", ")}`);
  }
  if (typeof main !== "boolean") throw new TaskFormatError(`${field}.main`, "must be a boolean");
  const names = listAt(`${field}.choices`, choices);
  return {
    letter: textAt(`${field}.letter`, letter),
    kind: kind as Kind,
    main,
    choices: names.map((name, at) => textAt(`${field}.choices[${at}]`, name)),
  };
}
