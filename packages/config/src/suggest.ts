import { z } from "zod";

/**
 * Longest name that is compared, in characters: comparing takes time proportional to both lengths.
 */
const MAX_COMPARED = 64;

/** Returns the known name nearest to an unknown one, or null when none is near. */
export function nearestName(unknown: string, known: readonly string[]): string | null {
  if (unknown.length > MAX_COMPARED) return null;
  const limit = Math.max(1, Math.floor(unknown.length / 3));
  let best: string | null = null;
  let bestDistance = limit + 1;
  for (const name of known) {
    const distance = editDistance(unknown.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/**
 * Returns the number of insertions, deletions, replacements and transpositions that turn a into b.
 */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(rows, i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(replaced, at(rows, i - 1, j) + 1, (row[j - 1] as number) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, at(rows, i - 2, j - 2) + 1);
      }
      row.push(cost);
    }
    rows.push(row);
  }
  return at(rows, a.length, b.length);
}

function at(rows: number[][], i: number, j: number): number {
  return rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
}

/** Returns the schema of the field at a path, selecting union members by the given value. */
export function schemaAt(
  schema: z.ZodType,
  value: unknown,
  path: readonly PropertyKey[],
): z.ZodType | null {
  const plain = unwrap(schema, value);
  const [key, ...rest] = path;
  if (key === undefined || plain === null) return plain;
  const inner: unknown = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  if (plain instanceof z.ZodObject) {
    const field = (plain.shape as Record<PropertyKey, z.ZodType | undefined>)[key];
    return field === undefined ? null : schemaAt(field, inner, rest);
  }
  if (plain instanceof z.ZodArray) return schemaAt(plain.element as z.ZodType, inner, rest);
  return null;
}

/** Unwraps defaults and nullable schemas, and selects a union's member by the value's `type`. */
function unwrap(schema: z.ZodType, value: unknown): z.ZodType | null {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodOptional
  ) {
    return unwrap(schema.unwrap() as z.ZodType, value);
  }
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema;
  const type = (value as { type?: unknown } | null | undefined)?.type;
  const members = schema.options as z.ZodObject<{ type: z.ZodLiteral<string> }>[];
  return members.find((member) => member.shape.type.value === type) ?? schema;
}

/** Returns the field names of an object schema, or the types of a union. */
export function knownNames(schema: z.ZodType | null): string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const members = schema.options as z.ZodObject<{ type: z.ZodLiteral<string> }>[];
    return members.map((member) => member.shape.type.value);
  }
  return [];
}
