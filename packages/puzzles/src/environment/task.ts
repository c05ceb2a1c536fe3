import { TaskFormatError } from "../errors.js";
import { listAt, objectAt, shareAt, textAt } from "./json-field.js";

/** One message of a chat. */
export interface Message {
  role: "system" | "user" | "assistant";
  content: string;
}

/**
 * A task in the form that training uses: plain data, sent as JSON. An environment adds the data
 * that it grades replies with.
 */
export interface Task {
  /** Identifies the task in its source, e.g. "mini-clear-11-42" or "record-17". */
  id: string;
  /** SHA-256 of messages and answer: equal for equal tasks of any source. */
  contentHash: string;
  messages: readonly Message[];
  /** Expected reward of random guessing, 0 to 1. */
  randomGuessLevel: number;
}

/** Serializes a task as JSON, with all fields that its environment added. */
export function taskToJson(task: Task): string {
  return JSON.stringify(task);
}

/**
 * Parses the common fields of a task from {@link taskToJson}'s output.
 *
 * @throws TaskFormatError naming the field
 */
export function taskFromJson(text: string): Task {
  return readTask(text).task;
}

/**
 * Parses a task, and returns all its fields beside, so that an environment can parse its own.
 *
 * @throws TaskFormatError naming the field
 */
export function readTask(text: string): { task: Task; fields: Record<string, unknown> } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TaskFormatError("task", "is not JSON", { cause });
  }
  const fields = objectAt("task", value);
  const task = {
    id: textAt("task.id", fields["id"]),
    contentHash: textAt("task.contentHash", fields["contentHash"]),
    messages: readMessages("task.messages", fields["messages"]),
    randomGuessLevel: shareAt("task.randomGuessLevel", fields["randomGuessLevel"]),
  };
  return { task, fields };
}

const ROLES: readonly string[] = ["system", "user", "assistant"];

/**
 * Characters of a task's messages together. A worker's cache holds 65,536 tokens: a longer text never fits,
 * and the coordinator would be busy for seconds to find that out.
 */
export const MAX_PROMPT_CHARACTERS = 1_000_000;

/** Reads the messages of a chat. @throws TaskFormatError naming the field */
export function readMessages(field: string, value: unknown): Message[] {
  const items = listAt(field, value);
  if (items.length === 0) throw new TaskFormatError(field, "must hold a message");
  const messages = items.map((item, index): Message => {
    const place = `${field}[${index}]`;
    const { role, content } = objectAt(place, item);
    if (typeof role !== "string" || !ROLES.includes(role)) {
      throw new TaskFormatError(`${place}.role`, `must be one of ${ROLES.join(", ")}`);
    }
    return { role: role as Message["role"], content: textAt(`${place}.content`, content) };
  });
  const length = messages.reduce((sum, { content }) => sum + content.length, 0);
  if (length > MAX_PROMPT_CHARACTERS) {
    throw new TaskFormatError(
      field,
      `have ${length} characters together, at most ${MAX_PROMPT_CHARACTERS}`,
    );
  }
  return messages;
}
