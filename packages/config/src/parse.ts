import { InvalidArgumentError } from "@gumshoe/core";
import { isMap, parseDocument, type YAMLError } from "yaml";

import { describeIssues, excerpt } from "./describe-issue.js";
import { RunConfig } from "./run-config.js";
import { type FieldValue, setFields } from "./set-fields.js";
import { TaskSourceConfig } from "./task-source.js";
import { checkYamlLimits } from "./yaml-limits.js";

/**
 * Parses a run config from YAML or JSON text, validates it and adds the defaults.
 *
 * @param options.fileName  file that names the run if the text does not: `runs/first.yaml` is run
 *   `first`
 * @param options.set       fields that replace those of the text
 * @param options.name      name of the run, overriding text and file
 * @throws  InvalidArgumentError naming every invalid field, with the nearest known name of an
 *   unknown one
 */
export function parseRunConfig(
  text: string,
  options: { fileName?: string; name?: string; set?: readonly FieldValue[] } = {},
): RunConfig {
  checkYamlLimits(text);
  const raw = setFields(readYaml(text), options.set ?? []);
  const name = options.fileName === undefined ? null : nameFromFile(options.fileName);
  const named = "name" in raw || name === null ? raw : { name, ...raw };
  const value = options.name === undefined ? named : { ...named, name: options.name };
  return checkRunConfig(value);
}

/**
 * Validates a run config that is an object already, and adds the defaults.
 *
 * @throws  InvalidArgumentError naming every invalid field, with the nearest known name of an
 *   unknown one
 */
export function checkRunConfig(value: unknown): RunConfig {
  const parsed = RunConfig.safeParse(value);
  if (parsed.success) return parsed.data;
  throw describeIssues(parsed.error.issues, { schema: RunConfig, value });
}

/**
 * Parses a source of tasks from YAML or JSON text, such as `{ type: zebra, houses: 4 }`, and adds
 * the defaults.
 *
 * @throws InvalidArgumentError naming every invalid field
 */
export function parseTaskSource(text: string): TaskSourceConfig {
  checkYamlLimits(text);
  const value = readYaml(text);
  const parsed = TaskSourceConfig.safeParse(value);
  if (parsed.success) return parsed.data;
  throw describeIssues(parsed.error.issues, { schema: TaskSourceConfig, value });
}

function readYaml(text: string): Record<string, unknown> {
  const document = parseDocument(text, { prettyErrors: true, logLevel: "error" });
  const error: YAMLError | undefined = document.errors[0];
  if (error?.code === "MULTIPLE_DOCS") {
    throw new InvalidArgumentError(
      "config",
      "holds several YAML documents (---); a file describes one run",
    );
  }
  if (error !== undefined) {
    throw new InvalidArgumentError("config", `is not YAML: ${firstLine(error.message)}`);
  }
  if (!isMap(document.contents)) {
    throw new InvalidArgumentError("config", "must be fields with values, such as `type: grpo`");
  }
  try {
    return document.toJS({ maxAliasCount: 100 }) as Record<string, unknown>;
  } catch (cause) {
    const problem = cause instanceof Error ? firstLine(cause.message) : "has too many aliases";
    throw new InvalidArgumentError("config", problem, { cause });
  }
}

function nameFromFile(fileName: string): string {
  const base = fileName.split(/[\\/]/).at(-1) ?? fileName;
  return base.replace(/\.(ya?ml|json)$/i, "");
}

function firstLine(text: string): string {
  return excerpt(text.split("\n")[0]?.replace(/:$/, "") ?? text);
}
