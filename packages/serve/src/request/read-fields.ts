import { isDeepStrictEqual } from "node:util";

import { nearestName } from "@gumshoe/config";
import { shownValue } from "@gumshoe/core";
import type { z } from "zod";

import { WrongFieldError } from "../errors.js";
import { type UnsupportedField, WITHOUT_EFFECT } from "./not-supported.js";

/** Most characters of a field's name in an error. */
const MAX_NAME = 100;

/**
 * Reads the fields of a request: every field is read, accepted because its value changes nothing, or refused by name.
 * A field that is null counts as not given.
 *
 * @throws WrongFieldError naming the field
 */
export function readFields<S extends z.ZodObject>(
  schema: S,
  unsupported: Readonly<Record<string, UnsupportedField>>,
  body: unknown,
): z.output<S> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new WrongFieldError(null, "the body must be a JSON object");
  }
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (value === null || WITHOUT_EFFECT.includes(name)) continue;
    if (Object.hasOwn(schema.shape, name)) read[name] = value;
    else refuseOther(name, value, { unsupported, known: Object.keys(schema.shape) });
  }
  const parsed = schema.safeParse(read);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const path = [...(issue?.path ?? []), ...unknown].reduce<string>(appendKey, "");
  throw new WrongFieldError(path, issue?.message ?? "is wrong");
}

function appendKey(path: string, key: PropertyKey): string {
  if (typeof key === "number") return `${path}[${key}]`;
  const name = String(key).slice(0, MAX_NAME);
  return path === "" ? name : `${path}.${name}`;
}

function refuseOther(
  name: string,
  value: unknown,
  fields: { unsupported: Readonly<Record<string, UnsupportedField>>; known: readonly string[] },
): void {
  const { unsupported, known } = fields;
  const rule = Object.hasOwn(unsupported, name) ? unsupported[name] : undefined;
  if (rule === undefined) {
    const nearest = nearestName(name, [...known, ...Object.keys(unsupported)]);
    const hint = nearest === null ? "" : `; did you mean ${nearest}?`;
    const shown = shownValue(name);
    throw new WrongFieldError(
      name.slice(0, MAX_NAME),
      `there is no field ${shown}${hint}`,
      "unknown_parameter",
    );
  }
  if (rule.neutral.some((neutral) => isDeepStrictEqual(neutral, value))) return;
  const problem = `${shownValue(value)} is not supported: ${rule.reason}`;
  throw new WrongFieldError(name, problem, "unsupported_value");
}
