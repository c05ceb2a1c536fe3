/** The module that docs/environments.md shows does what the page says, with the config that it shows. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseRunConfig, type RunConfig } from "@gumshoe/config";
import { createEnvironment } from "@gumshoe/puzzles";
import { afterAll, beforeAll, expect, test } from "vitest";

// A module's thread is started as it is shipped: from the built package.
import { openEnvironment, type RunEnvironment } from "../dist/index.js";

const PAGE = readFileSync(new URL("../../../docs/environments.md", import.meta.url), "utf8");
const folder = mkdtempSync(join(tmpdir(), "gumshoe-docs-"));
afterAll(async () => {
  await environment.close();
  rmSync(folder, { recursive: true, force: true });
});

let config: RunConfig;
let environment: RunEnvironment;
beforeAll(async () => {
  const module = join(folder, "tallest.mjs");
  writeFileSync(module, block("js"));
  config = parseRunConfig(block("yaml").replaceAll("./tallest.mjs", module), {
    fileName: "heights.yaml",
  });
  environment = (await openEnvironment(config, "train")) as RunEnvironment;
});

/** The first block of a language on the page. */
function block(language: string): string {
  return new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(PAGE)?.[1] ?? "";
}

test("it is about thirty lines long", () => {
  expect(block("js").trim().split("\n").length).toBeLessThanOrEqual(36);
});

test("its tasks have one answer, which it grades 1", async () => {
  const source = environment.source();
  for (let index = 0; index < 20; index++) {
    const task = await source.task(index);
    const taller = [...(task.messages[0]?.content ?? "").matchAll(/^(\w+) is taller than (\w+)/gm)];
    expect(taller).toHaveLength(4);
    const [over, under] = [1, 2].map((side) => taller.map((match) => match[side]));
    const tallest = over?.find((name) => !under?.includes(name));
    const shortest = under?.find((name) => !over?.includes(name));
    const reply = `Tallest: ${tallest}\nShortest: ${shortest}`;
    expect(await environment.goldReply?.(task)).toBe(reply);
    const replies = [`Hm.\n${reply.toLowerCase()}`, `Hm.\n${reply}`, `Tallest: ${tallest}`];
    expect(await environment.grade(task, replies)).toMatchObject([
      { reward: 0 },
      { reward: 1, metrics: { allCorrect: 1 } },
      { reward: 0.5 },
    ]);
  }
});

test("a guess is right as often as it says", async () => {
  expect((await environment.source().task(0)).randomGuessLevel).toBe(1 / 5);
});

test("the zebra puzzle on the page is the one that its source makes", () => {
  const [, spec = ""] = /source: \{ type: zebra, (.*?) \}/.exec(PAGE) ?? [];
  const [houses = 0, attributes = 0, seed = 0] = (spec.match(/\d+/g) ?? []).map(Number);
  const task = createEnvironment({ type: "zebra", houses, attributes, seed }).source().task(1);
  const prompt = task.messages[0]?.content ?? "";
  expect(PAGE).toContain(prompt.split("\nD. ")[0]);
});

test("its options are refused with its own words", async () => {
  const text = JSON.stringify(config).replaceAll('"people":5', '"people":9');
  await expect(openEnvironment(parseRunConfig(text), "train")).rejects.toThrow(
    /examples\.source\.module: .*tallest\.mjs createEnvironment failed: people: 2 to 7/,
  );
});
