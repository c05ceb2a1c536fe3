import { InvalidArgumentError } from "@gumshoe/core";
import { isMap, parseDocument, type YAMLError } from "yaml";
import { type z } from "zod";

import { RunConfig } from "./run-config.js";
import { knownNames, nearestName, schemaAt } from "./suggest.js";

/** Longest config text that is read, in characters: a config is written by hand. */
const MAX_CONFIG_CHARACTERS = 1_000_000;

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
  const issue = parsed.error.issues[0];
  if (issue === undefined) throw new InvalidArgumentError("config", "is not valid");
  throw describeIssue(issue, value);
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

function describeIssue(issue: z.core.$ZodIssue, value: unknown): InvalidArgumentError {
  const field = issue.path.map(String).join(".") || "config";
  const given = valueAt(value, issue.path);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    const nearest = nearestName(key, knownNames(schemaAt(RunConfig, value, issue.path)));
    return new InvalidArgumentError([...issue.path.map(String), key].join("."), "unknown field", {
      ...(nearest === null ? {} : { suggestion: `did you mean ${nearest}?` }),
    });
  }
  if (issue.code === "invalid_union" && field.split(".").at(-1) === "type") {
    const parent = issue.path.slice(0, -1);
    return wrongChoice(field, given, knownNames(schemaAt(RunConfig, value, parent)));
  }
  if (issue.code === "invalid_value" && given !== undefined && issue.values.length > 1) {
    return wrongChoice(field, given, issue.values.map(String));
  }
  if (given === undefined && issue.code !== "custom") {
    return new InvalidArgumentError(field, "is missing");
  }
  return new InvalidArgumentError(field, plainMessage(issue.message));
}

function wrongChoice(field: string, given: unknown, choices: string[]): InvalidArgumentError {
  const problem = given === undefined ? "is missing" : `${JSON.stringify(given)} is not a choice`;
  const nearest = typeof given === "string" ? nearestName(given, choices) : null;
  return new InvalidArgumentError(field, problem, {
    suggestion: nearest === null ? `one of ${choices.join(", ")}` : `did you mean ${nearest}?`,
  });
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  );
}

function plainMessage(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

function firstLine(text: string): string {
  return text.split("\n")[0]?.replace(/:$/, "") ?? text;
}
