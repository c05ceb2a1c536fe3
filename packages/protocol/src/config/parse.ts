import { InvalidArgumentError } from "@gumshoe/core";
import { isMap, parseDocument, type YAMLError } from "yaml";

import { firstProblem } from "./describe-issue.js";
import { RunConfig } from "./run-config.js";

/** Longest config text that is read, in characters: a config is written by hand. */
const MAX_CONFIG_CHARACTERS = 1_000_000;

/** What YAML is made of. Reading takes time that grows with the square of these, and a server reads. */
const MARK = /[\n:,[{?-]/g;
/** Most marks of a config: ten times those of a long one. */
const MAX_MARKS = 5000;

/**
 * Reads a run config from YAML or JSON text, checks it and fills in the defaults.
 *
 * @param options.fileName  names the run where the text does not: `runs/first.yaml` is run `first`
 * @throws  InvalidArgumentError that names the field, with a suggestion where one is near
 */
export function parseRunConfig(text: string, options: { fileName?: string } = {}): RunConfig {
  if (text.length > MAX_CONFIG_CHARACTERS) {
    throw new InvalidArgumentError("config", `is longer than ${MAX_CONFIG_CHARACTERS} characters`);
  }
  if ((text.match(MARK)?.length ?? 0) > MAX_MARKS) {
    throw new InvalidArgumentError("config", `has more than ${MAX_MARKS} lines, fields and items`);
  }
  const raw = readYaml(text);
  const name = options.fileName === undefined ? null : nameFromFile(options.fileName);
  const value = "name" in raw || name === null ? raw : { name, ...raw };
  return checkRunConfig(value);
}

/**
 * Checks a run config that is an object already, and fills in the defaults.
 *
 * @throws  InvalidArgumentError that names the field, with a suggestion where one is near
 */
export function checkRunConfig(value: unknown): RunConfig {
  const parsed = RunConfig.safeParse(value);
  if (parsed.success) return parsed.data;
  throw firstProblem(parsed.error.issues, { schema: RunConfig, value });
}

function readYaml(text: string): Record<string, unknown> {
  const document = parseDocument(text, { prettyErrors: true });
  const error: YAMLError | undefined = document.errors[0];
  if (error !== undefined) {
    throw new InvalidArgumentError("config", `is not YAML: ${firstLine(error.message)}`);
  }
  if (!isMap(document.contents)) {
    throw new InvalidArgumentError("config", "must be fields with values, such as `type: grpo`");
  }
  try {
    return document.toJS({ maxAliasCount: 100 }) as Record<string, unknown>;
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : "has too many aliases";
    throw new InvalidArgumentError("config", problem, { cause });
  }
}

function nameFromFile(fileName: string): string {
  const base = fileName.split(/[\\/]/).at(-1) ?? fileName;
  return base.replace(/\.(ya?ml|json)$/i, "");
}

function firstLine(text: string): string {
  return text.split("\n")[0]?.replace(/:$/, "") ?? text;
}
