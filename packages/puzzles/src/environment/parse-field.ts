import { z } from "zod";

import { TaskFormatError } from "../errors.js";

/** A text. */
export const Text = z.string("must be a text");

/** The answers by letter. */
export const Solution = z.record(z.string(), Text, "must be an object");

/**
 * Parses a value by its schema, whose messages say what a field must be.
 *
 * @param field  the path of the value, for errors
 * @throws TaskFormatError naming the first wrong field
 */
export function parseField<T>(schema: z.ZodType<T>, field: string, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = z.core.toDotPath(issue?.path ?? []);
  const path = place === "" || place.startsWith("[") ? `${field}${place}` : `${field}.${place}`;
  throw new TaskFormatError(path, issue?.message ?? "is not valid");
}
