import { readdirSync, readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

import { type JsonSchema, runFileSchema } from "./json-schema.js";

const RUNS = new URL("../../../runs/", import.meta.url);
const files = readdirSync(RUNS).filter((name) => name.endsWith(".yaml"));
const config = (name: string) =>
  parse(readFileSync(new URL(name, RUNS), "utf8")) as Record<string, unknown>;

/** Lists the paths of a schema's fields without a description. */
function undescribed(schema: JsonSchema | boolean, path = ""): string[] {
  if (typeof schema === "boolean") return [];
  const { anyOf = [], oneOf = [], properties = {} } = schema;
  return [
    ...[...anyOf, ...oneOf].flatMap((choice) => undescribed(choice, path)),
    ...Object.entries(properties).flatMap(([name, field]) => {
      const at = `${path}.${name}`;
      const own = typeof field === "object" && (field.description ?? "") === "" ? [at] : [];
      return [...own, ...undescribed(field, at)];
    }),
  ];
}

/** The schema as an editor validates with it. */
const editor = z.fromJSONSchema(runFileSchema());

describe("the JSON Schema of run files", () => {
  test("describes every field", () => {
    expect(undescribed(runFileSchema())).toEqual([]);
    expect(undescribed({ properties: { a: { properties: { b: {} } } } })).toEqual([".a", ".a.b"]);
  });

  test.each(files)("accepts runs/%s, with and without its name", (name) => {
    expect(editor.safeParse(config(name)).success).toBe(true);
    const { name: _name, ...unnamed } = config(name);
    expect(editor.safeParse(unnamed).success).toBe(true);
  });

  test.each<[what: string, change: Record<string, unknown>]>([
    ["a misspelt field", { iteration: 5 }],
    ["a number out of its range", { lanes: 0 }],
    ["a word that is no choice", { advantage: "ppo" }],
    ["a source without its file", { tasks: { source: { type: "dataset" } } }],
    ["a run of no type", { type: undefined }],
  ])("refuses %s", (_what, change) => {
    expect(editor.safeParse({ ...config("first.yaml"), ...change }).success).toBe(false);
  });

  test.each(files)("is named in the first line of runs/%s", (name) => {
    const [first] = readFileSync(new URL(name, RUNS), "utf8").split("\n");
    expect(first).toBe("# yaml-language-server: $schema=./run.schema.json");
  });
});
