/** The contract of all environments of this package. */
import { readFileSync } from "node:fs";
import { sha256 } from "@gumshoe/core";
import { describe, expect, test } from "vitest";

import { parseDataset } from "../tasks/dataset.js";
import { createEnvironment, type EnvironmentSpec } from "./create-environment.js";
import { taskToJson } from "./task.js";

const GOLDEN = new URL("../../../../test/golden/temporal-clue/val.json", import.meta.url);
const records = parseDataset(readFileSync(GOLDEN, "utf8"));
const ENVIRONMENTS: [string, EnvironmentSpec][] = [
  ["generated cases", { type: "generate", tier: "mini", style: "clear", seed: 8 }],
  ["cases of a file", { type: "dataset", records }],
  ["zebra puzzles", { type: "zebra", houses: 4, attributes: 3, seed: 8 }],
];

describe.each(ENVIRONMENTS)("%s", (_name, spec) => {
  const environment = createEnvironment(spec);
  const source = environment.source();

  test("are a series in which an index always gives the same task", () => {
    const late = source.task(6);
    source.task(2);
    expect(source.task(6)).toEqual(late);
    expect(createEnvironment(spec).source().task(6)).toEqual(late);
    expect(source.task(7).contentHash).not.toBe(late.contentHash);
  });

  test("survive a JSON round trip", () => {
    const task = source.task(1);
    const read = environment.readTask(taskToJson(task));
    expect(read).toEqual(task);
    expect(taskToJson(read)).toBe(taskToJson(task));
    expect(() => environment.readTask(JSON.stringify({ ...task, solution: 3 }))).toThrow(
      "task.solution: must be an object",
    );
  });

  test("give the reference reply 1 and a wrong one 0", async () => {
    const task = source.task(3);
    const gold = environment.goldReply?.(task) ?? "";
    expect(await environment.grade(task, gold)).toMatchObject({ reward: 1 });
    expect(
      await environment.grade(task, `**Answers**\n\n- ${gold.replaceAll("\n", "\n- ")}`),
    ).toEqual(await environment.grade(task, gold));
    expect(await environment.grade(task, "no idea")).toMatchObject({
      reward: 0,
      metrics: { allCorrect: 0, answered: 0 },
    });
  });

  test("omit excluded tasks", () => {
    const unwanted = source.task(0);
    const others = environment.source({ exclude: new Set([unwanted.contentHash]) });
    const hashes = Array.from({ length: 5 }, (_, index) => others.task(index).contentHash);
    expect(hashes).not.toContain(unwanted.contentHash);
  });
});

test("guesses at a zebra puzzle are right for one house on average", () => {
  const task = createEnvironment(ENVIRONMENTS[2]?.[1] as EnvironmentSpec)
    .source()
    .task(0);
  expect(task).toMatchObject({ id: "zebra-4x3-8-0", randomGuessLevel: 0.25 });
});

test("Temporal Clue cases are byte for byte those of earlier versions", () => {
  const task = createEnvironment({ type: "generate", tier: "mini", style: "clear", seed: 11 })
    .source()
    .task(0);
  expect(task.contentHash).toBe("6c2a9b1d96faff9ce68005fbcb6051b50579e680f98c8a26a1df0dc4ab2a9c94");
  expect(sha256(taskToJson(task))).toBe(
    "5fe350c14f9a9a544921aefe262403eebf60a9adfb36f2d52e54d508eaf4e75f",
  );
});
