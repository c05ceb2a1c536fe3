import { z } from "zod";

import { RunConfig } from "./run-config.js";

/** A JSON Schema: what it allows, and the schemas of its parts. */
export type JsonSchema = z.core.JSONSchema.JSONSchema;

/**
 * Returns the JSON Schema of run files (draft 7, which editors know best), with every field's default
 * and description. Rules across fields are not in it: `parseRunConfig` has them.
 */
export function runFileSchema(): JsonSchema {
  const schema = z.toJSONSchema(RunConfig, {
    target: "draft-7",
    // What a file may leave out is not required.
    io: "input",
    override: ({ jsonSchema }) => {
      // The format says the same in a word.
      if (jsonSchema.format === "date") delete jsonSchema.pattern;
    },
  }) as JsonSchema;
  for (const sort of schema.oneOf ?? []) {
    if (typeof sort !== "object") continue;
    // A file that names no run gives it its own name.
    sort.required = sort.required?.filter((field) => field !== "name") ?? [];
  }
  return { ...schema, title: "Gumshoe run", description: "A run of Gumshoe: docs/config.md" };
}
