import { sha256 } from "@gumshoe/core";

import { TaskFormatError } from "../errors.js";
import { type Question, randomGuessLevel } from "../grading/replies.js";
import { type Kind, KINDS } from "../names.js";

/** One message of a chat. */
export interface Message {
  role: "system" | "user" | "assistant";
  content: string;
}

/** One case as a trainer sees it: what to ask, and what is right. Plain data that travels as JSON. */
export interface Task {
  /** Names the task in its source, e.g. "mini-clear-11-42" or "record-17". */
  id: string;
  /** SHA-256 of messages and solution: equal for equal cases wherever they come from. */
  contentHash: string;
  messages: readonly Message[];
  /** Answer by letter. */
  solution: Readonly<Record<string, string>>;
  questions: readonly Question[];
  /** Expected score of somebody who picks among the listed names, 0 to 1. */
  randomGuessLevel: number;
}

/** Makes the task of a prompt with its questions and solution. */
export function makeTask(parts: {
  id: string;
  prompt: string;
  solution: Readonly<Record<string, string>>;
  questions: readonly Question[];
}): Task {
  const { id, prompt, solution, questions } = parts;
  const answers = Object.entries(solution).map(([letter, answer]) => `${letter}. ${answer}`);
  return {
    id,
    contentHash: sha256([prompt, ...answers].join("\n")),
    messages: [{ role: "user", content: prompt }],
    solution,
    questions,
    randomGuessLevel: randomGuessLevel({ questions }),
  };
}

/** Writes a task as JSON text. */
export function taskToJson(task: Task): string {
  return JSON.stringify(task);
}

/**
 * Reads a task from the text that {@link taskToJson} wrote.
 *
 * @throws TaskFormatError naming the field
 */
export function taskFromJson(text: string): Task {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TaskFormatError("task", "is not JSON", { cause });
  }
  const fields = object("task", value);
  const solution = object("task.solution", fields["solution"]);
  return {
    id: string("task.id", fields["id"]),
    contentHash: string("task.contentHash", fields["contentHash"]),
    messages: list("task.messages", fields["messages"]).map(message),
    solution: Object.fromEntries(
      Object.entries(solution).map(([letter, answer]) => [
        letter,
        string(`task.solution.${letter}`, answer),
      ]),
    ),
    questions: list("task.questions", fields["questions"]).map(question),
    randomGuessLevel: share("task.randomGuessLevel", fields["randomGuessLevel"]),
  };
}

const ROLES: readonly string[] = ["system", "user", "assistant"];

function message(value: unknown, index: number): Message {
  const field = `task.messages[${index}]`;
  const { role, content } = object(field, value);
  if (typeof role !== "string" || !ROLES.includes(role)) {
    throw new TaskFormatError(`${field}.role`, `must be one of ${ROLES.join(", ")}`);
  }
  return { role: role as Message["role"], content: string(`${field}.content`, content) };
}

function question(value: unknown, index: number): Question {
  const field = `task.questions[${index}]`;
  const { letter, kind, main, choices } = object(field, value);
  if (!KINDS.includes(kind as Kind)) {
    throw new TaskFormatError(`${field}.kind`, `must be one of ${KINDS.join(", ")}`);
  }
  if (typeof main !== "boolean") throw new TaskFormatError(`${field}.main`, "must be a boolean");
  const names = list(`${field}.choices`, choices);
  return {
    letter: string(`${field}.letter`, letter),
    kind: kind as Kind,
    main,
    choices: names.map((name, at) => string(`${field}.choices[${at}]`, name)),
  };
}

function object(field: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new TaskFormatError(field, "must be an object");
}

function list(field: string, value: unknown): unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  throw new TaskFormatError(field, "must be a list");
}

function string(field: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new TaskFormatError(field, "must be a text");
}

function share(field: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw new TaskFormatError(field, "must be a number from 0 to 1");
}
