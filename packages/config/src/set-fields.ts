import { InvalidArgumentError } from "@gumshoe/core";

/** A field that is given beside a config's text, such as `rollouts.perTask` with 8. */
export interface FieldValue {
  /** Path of the field, its names joined by dots. */
  readonly field: string;
  readonly value: unknown;
}

/**
 * Returns a config, as it was written, with fields replaced or added. Whether such fields exist is checked with
 * the config.
 *
 * @throws InvalidArgumentError naming a field that is in no group of fields
 */
export function setFields(
  config: Readonly<Record<string, unknown>>,
  fields: readonly FieldValue[],
): Record<string, unknown> {
  let result = { ...config };
  for (const { field, value } of fields)
    result = withField(result, field.split("."), { field, value });
  return result;
}

function withField(
  group: Readonly<Record<string, unknown>>,
  [name = "", ...rest]: readonly string[],
  given: FieldValue,
): Record<string, unknown> {
  if (rest.length === 0) return { ...group, [name]: given.value };
  const inner = Object.hasOwn(group, name) ? (group[name] ?? {}) : {};
  if (typeof inner === "object" && !Array.isArray(inner)) {
    return { ...group, [name]: withField(inner as Record<string, unknown>, rest, given) };
  }
  const outer = given.field.split(".").slice(0, -rest.length).join(".");
  throw new InvalidArgumentError(given.field, `cannot be set: ${outer} is no group of fields`);
}
