import { readFileSync } from "node:fs";

import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { z } from "zod";

import { readingError } from "../errors.js";

/**
 * Reads a JSON file of the user.
 *
 * @throws InvalidArgumentError naming the file, and the field in it; FileError
 */
export function readJsonFile<T extends z.ZodType>(file: string, schema: T): z.infer<T> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (thrown) {
    throw readingError(file, thrown);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new InvalidArgumentError(file, `is not JSON: ${errorMessage(thrown)}`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new InvalidArgumentError(file, z.prettifyError(parsed.error));
  return parsed.data;
}
