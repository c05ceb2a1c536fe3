import { z } from "zod";

import { TaskFormatError } from "../errors.js";
import { parseField, Text } from "./parse-field.js";

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
 * Characters of a task's messages together. A worker's cache holds 65,536 tokens: a longer text never fits,
 * and the coordinator would be busy for seconds to find that out.
 */
export const MAX_PROMPT_CHARACTERS = 1_000_000;

const ROLES = ["system", "user", "assistant"] as const;
const Messages = z
  .array(
    z.object(
      { role: z.enum(ROLES, `must be one of ${ROLES.join(", ")}`), content: Text },
      "must be an object",
    ),
    "must be a list",
  )
  .min(1, "must hold a message")
  .superRefine((messages, context) => {
    const length = messages.reduce((sum, { content }) => sum + content.length, 0);
    if (length <= MAX_PROMPT_CHARACTERS) return;
    const message = `have ${length} characters together, at most ${MAX_PROMPT_CHARACTERS}`;
    context.addIssue({ code: "custom", message });
  });

const SHARE = "must be a number from 0 to 1";
/** Returns the schema of an environment's tasks: the fields of {@link Task} and its own ones. */
export function taskSchema<Own extends z.ZodRawShape>(own: Own) {
  return z.object(
    {
      id: Text,
      contentHash: Text,
      messages: Messages,
      ...own,
      randomGuessLevel: z.number(SHARE).min(0, SHARE).max(1, SHARE),
    },
    "must be an object",
  );
}

/**
 * Parses a task of {@link taskToJson}.
 *
 * @param schema  see {@link taskSchema}
 * @throws TaskFormatError naming the field
 */
export function parseTask<T extends Task>(schema: z.ZodType<T>, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TaskFormatError("task", "is not JSON", { cause });
  }
  return parseField(schema, "task", value);
}

const AnyTask = taskSchema({}).loose();

/**
 * Parses a task of any environment; `fields` also has those that the environment added, unchecked.
 *
 * @throws TaskFormatError naming the field
 */
export function readTask(text: string): { task: Task; fields: Record<string, unknown> } {
  const fields = parseTask(AnyTask, text);
  const { id, contentHash, messages, randomGuessLevel } = fields;
  return { task: { id, contentHash, messages, randomGuessLevel }, fields };
}

/** Reads the messages of a chat. @throws TaskFormatError naming the field */
export function readMessages(field: string, value: unknown): Message[] {
  return parseField(Messages, field, value);
}
