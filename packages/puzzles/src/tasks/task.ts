import { sha256 } from "@gumshoe/core";
import { z } from "zod";

import { Solution, Text } from "../environment/parse-field.js";
import { parseTask, type Task, taskSchema } from "../environment/task.js";
import { type Question, randomGuessLevel } from "../grading/replies.js";
import { KINDS } from "../names.js";

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

const QuestionField = z.object(
  {
    letter: Text,
    kind: z.enum(KINDS, `must be one of ${KINDS.join(", ")}`),
    main: z.boolean("must be a boolean"),
    choices: z.array(Text, "must be a list"),
  },
  "must be an object",
);
const CaseTaskFields = taskSchema({
  solution: Solution,
  questions: z.array(QuestionField, "must be a list"),
});

/**
 * Parses the task of a case from JSON.
 *
 * @throws TaskFormatError naming the field
 */
export function caseTaskFromJson(text: string): CaseTask {
  return parseTask(CaseTaskFields, text);
}
