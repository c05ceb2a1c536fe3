import { readFileSync } from "node:fs";

import { errorMessage, InvalidArgumentError } from "./errors.js";

/**
 * Reads a secret from the variable `name`, or from the file that `<name>_FILE` names: a file's
 * content does not appear in `ps`, `docker inspect` or crash reports.
 *
 * @returns  the secret without surrounding white space, or null when neither variable is set
 * @throws   InvalidArgumentError when both are set, or the file cannot be read or is empty
 */
export function readSecret(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
): string | null {
  const value = env[name] || null;
  const fileVariable = `${name}_FILE`;
  const file = env[fileVariable] || null;
  if (file === null) return value;
  if (value !== null) throw new InvalidArgumentError(fileVariable, `${name} is set too`);
  const secret = readText(fileVariable, file).trim();
  if (secret === "") throw new InvalidArgumentError(fileVariable, `${file} is empty`);
  return secret;
}

function readText(variable: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new InvalidArgumentError(variable, errorMessage(cause), { cause });
  }
}
