import { InvalidArgumentError, joinInvalid, shownValue } from "@gumshoe/core";
import type { z } from "zod";

import { knownNames, nearestName, schemaAt } from "./suggest.js";

type Issue = z.core.$ZodIssue;

/** The checked value and its schema. */
interface Checked {
  readonly schema: z.ZodType;
  readonly value: unknown;
}

/**
 * Combines zod's issues into one error that names every field, with the nearest known name of a
 * misspelt one. Misspelt fields come first, and missing fields that they explain are omitted.
 */
export function describeIssues(issues: readonly Issue[], checked: Checked): InvalidArgumentError {
  const unknown = issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" ? unknownFields(issue, checked) : [],
  );
  const meant = new Set(unknown.map(({ meant: name }) => name));
  const others = issues
    .filter(({ code }) => code !== "unrecognized_keys")
    .filter(({ path }) => valueAt(checked.value, path) !== undefined || !meant.has(fieldName(path)))
    .map((issue) => describeIssue(issue, checked));
  const errors = [...unknown.map(({ error }) => error), ...others];
  return errors.length > 0
    ? joinInvalid(errors)
    : new InvalidArgumentError("config", "is not valid");
}

function describeIssue(issue: Issue, checked: Checked): InvalidArgumentError {
  const field = fieldName(issue.path) || "config";
  const given = valueAt(checked.value, issue.path);
  if (issue.code === "invalid_union" && issue.path.at(-1) === "type") {
    const union = schemaAt(checked.schema, checked.value, issue.path.slice(0, -1));
    return wrongChoice(field, given, knownNames(union));
  }
  if (issue.code === "invalid_value" && given !== undefined && issue.values.length > 1) {
    return wrongChoice(field, given, issue.values.map(String));
  }
  if (given === undefined && issue.code !== "custom") {
    return new InvalidArgumentError(field, "is missing");
  }
  return new InvalidArgumentError(field, problemOf(issue));
}

/** Longest part of a config that an error quotes, in characters. */
const MAX_EXCERPT = 200;

/** Returns a text, truncated if it is long. */
export function excerpt(text: string): string {
  return text.length <= MAX_EXCERPT ? text : `${text.slice(0, MAX_EXCERPT)}...`;
}

function fieldName(path: readonly PropertyKey[]): string {
  return excerpt(path.map(String).join("."));
}

/** An unknown field, with the path of the field that was most likely intended. */
interface UnknownField {
  readonly error: InvalidArgumentError;
  readonly meant: string | null;
}

function unknownFields(
  issue: Extract<Issue, { code: "unrecognized_keys" }>,
  { schema, value }: Checked,
): UnknownField[] {
  const known = knownNames(schemaAt(schema, value, issue.path));
  return issue.keys.map((key) => {
    const nearest = nearestName(key, known);
    const field = fieldName([...issue.path, key]);
    if (nearest === null) {
      return { error: new InvalidArgumentError(field, "unknown field"), meant: null };
    }
    const options = { suggestion: `did you mean ${nearest}?` };
    const error = new InvalidArgumentError(field, "unknown field", options);
    return { error, meant: fieldName([...issue.path, nearest]) };
  });
}

function wrongChoice(field: string, given: unknown, choices: string[]): InvalidArgumentError {
  const problem =
    given === undefined ? "is missing" : `${shownValue(given, MAX_EXCERPT)} is not a choice`;
  const nearest = typeof given === "string" ? nearestName(given, choices) : null;
  return new InvalidArgumentError(field, problem, {
    suggestion: nearest === null ? `one of ${choices.join(", ")}` : `did you mean ${nearest}?`,
  });
}

const KINDS: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "text",
  boolean: "true or false",
  object: "fields with values",
  array: "a list",
  tuple: "a list",
};

/** Describes what a value must be. */
function problemOf(issue: Issue): string {
  switch (issue.code) {
    case "too_small":
      return `must be ${issue.inclusive === false ? "above" : "at least"} ${limit(issue, issue.minimum)}`;
    case "too_big":
      return `must be ${issue.inclusive === false ? "below" : "at most"} ${limit(issue, issue.maximum)}`;
    case "invalid_type":
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    default:
      return excerpt(issue.message.charAt(0).toLowerCase() + issue.message.slice(1));
  }
}

function limit(issue: { origin: string }, bound: number | bigint): string {
  if (issue.origin === "string") return `${bound} characters long`;
  return issue.origin === "array" ? `${bound} items long` : String(bound);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  );
}
