import { z } from "zod";

import { RunConfig } from "./run-config.js";

/** A JSON Schema, including the schemas of its parts. */
export type JsonSchema = z.core.JSONSchema.JSONSchema;

/**
 * Returns the JSON Schema of run files (draft 7, the version with the best editor support), with
 * every field's default and description. It cannot express rules across fields: `parseRunConfig`
 * checks those.
 */
export function runFileSchema(): JsonSchema {
  const schema = z.toJSONSchema(RunConfig, {
    target: "draft-7",
    // Fields with a default are not required in a file.
    io: "input",
    override: ({ jsonSchema }) => {
      // The pattern would only repeat the format.
      if (jsonSchema.format === "date") delete jsonSchema.pattern;
    },
  }) as JsonSchema;
  for (const sort of schema.oneOf ?? []) {
    if (typeof sort !== "object") continue;
    // A file without a name gives the run its own name.
    sort.required = sort.required?.filter((field) => field !== "name") ?? [];
  }
  return { ...schema, title: "Gumshoe run", description: "A run of Gumshoe: docs/config.md" };
}
