/** Lists the fields of a JSON value as path and text, in their order, e.g. `optimizer.betas.0`. */
export function fieldsOf(value: unknown, path = ""): [field: string, text: string][] {
  if (value === null || typeof value !== "object") return [[path, textOf(value)]];
  const entries = Object.entries(value);
  if (entries.length === 0) return [[path, Array.isArray(value) ? "[]" : "{}"]];
  return entries.flatMap(([key, inner]) => fieldsOf(inner, path === "" ? key : `${path}.${key}`));
}

/** Writes a JSON value as one line of text. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
