import { readFile } from "node:fs/promises";

import { errorMessage } from "@gumshoe/core";
import { GoldenJson } from "@gumshoe/grpo";

import { GoldenFileError } from "../errors.js";

/**
 * Reads a JSON file of golden numbers; errors name the file and the field.
 *
 * @throws GoldenFileError when it cannot be read or is not JSON
 */
export async function readGoldenJson(file: string): Promise<GoldenJson> {
  try {
    return new GoldenJson(JSON.parse(await readFile(file, "utf8")), file);
  } catch (error) {
    throw new GoldenFileError(file, `cannot be read: ${errorMessage(error)}`, error);
  }
}
