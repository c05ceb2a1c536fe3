import { readFileSync } from "node:fs";

import { createEnvironment } from "@gumshoe/puzzles";
import { expect, test } from "vitest";

const PAGE = readFileSync(new URL("../../../docs/environments.md", import.meta.url), "utf8");

test("the zebra puzzle in docs/environments.md is the generated one", () => {
  const [, spec = ""] = /source: \{ type: zebra, (houses.*?) \}/.exec(PAGE) ?? [];
  const [houses = 0, attributes = 0, seed = 0] = (spec.match(/\d+/g) ?? []).map(Number);
  const task = createEnvironment({ type: "zebra", houses, attributes, seed }).source().task(1);
  const prompt = task.messages[0]?.content ?? "";
  expect(PAGE).toContain(prompt.split("\nD. ")[0]);
});
