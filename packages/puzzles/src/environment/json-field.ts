import { TaskFormatError } from "../errors.js";

/** Reads an object. @throws TaskFormatError naming the field */
export function objectAt(field: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new TaskFormatError(field, "must be an object");
}

/** Reads a list. @throws TaskFormatError naming the field */
export function listAt(field: string, value: unknown): unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  throw new TaskFormatError(field, "must be a list");
}

/** Reads a text. @throws TaskFormatError naming the field */
export function textAt(field: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new TaskFormatError(field, "must be a text");
}

/** Reads a number from 0 to 1. @throws TaskFormatError naming the field */
export function shareAt(field: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw new TaskFormatError(field, "must be a number from 0 to 1");
}

/** Reads the answers by letter. @throws TaskFormatError naming the field */
export function solutionAt(field: string, value: unknown): Record<string, string> {
  const answers = Object.entries(objectAt(field, value));
  return Object.fromEntries(
    answers.map(([letter, answer]) => [letter, textAt(`${field}.${letter}`, answer)]),
  );
}
