import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseRunConfig } from "@gumshoe/config";
import { taskToJson } from "@gumshoe/puzzles";
import { afterAll, expect, test } from "vitest";

// A module's process runs as shipped, from the built package.
import { openEnvironment, type RunEnvironment, sourceOfTask } from "../dist/index.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-mix-"));
const opened: RunEnvironment[] = [];
afterAll(async () => {
  await Promise.all(opened.map((environment) => environment.close()));
  rmSync(folder, { recursive: true, force: true });
});

const MINI = { type: "generate", tier: "mini", seed: 3 };
const ZEBRA = { type: "zebra", seed: 4 };

async function open(sources: readonly object[]): Promise<RunEnvironment> {
  const tasks = { source: { type: "mix", sources } };
  const text = JSON.stringify({ name: "a", type: "grpo", model: "m", tasks });
  const environment = await openEnvironment(parseRunConfig(text), "train");
  opened.push(environment);
  return environment;
}

async function openAlone(source: object): Promise<RunEnvironment> {
  const text = JSON.stringify({ name: "a", type: "grpo", model: "m", tasks: { source } });
  const environment = await openEnvironment(parseRunConfig(text), "train");
  opened.push(environment);
  return environment;
}

const CASES = [
  { name: "mini", weight: 2, source: MINI },
  { name: "zebra", source: ZEBRA },
];

test("deals the tasks of its sources by weight, each with its own series", async () => {
  const mix = await open(CASES);
  const source = mix.source();
  const tasks = await Promise.all(Array.from({ length: 6 }, (_, index) => source.task(index)));
  expect(tasks.map(sourceOfTask)).toEqual(["mini", "zebra", "mini", "mini", "zebra", "mini"]);
  const alone = (await openAlone(ZEBRA)).source();
  expect(tasks[4]).toEqual({
    ...(await alone.task(1)),
    id: "zebra/zebra-4x3-4-1",
    source: "zebra",
  });
  expect(source.size).toBeNull();
});

test("each source grades its own tasks, also after a JSON round trip", async () => {
  const mix = await open(CASES);
  for (const index of [0, 1]) {
    const task = mix.readTask(taskToJson(await mix.source().task(index)));
    const gold = (await mix.goldReply?.(task)) ?? "";
    expect(await mix.grade(task, [gold, ""])).toMatchObject([{ reward: 1 }, { reward: 0 }]);
  }
  const foreign = { ...(await mix.source().task(0)), source: "other" };
  expect(() => mix.readTask(taskToJson(foreign))).toThrow(
    "task.source: is none of the sources mini, zebra",
  );
});

test("can write the replies that all its sources can write", async () => {
  const mix = await open(CASES);
  expect(mix).toHaveProperty("goldReply");
  expect(mix).toHaveProperty("voteReply");
  // Zebra puzzles have no deductions.
  expect(mix).not.toHaveProperty("tracedReply");
});

test("a validation task is excluded from every source", async () => {
  const other = { name: "again", source: MINI };
  const mix = await open([...CASES, other]);
  const first = await mix.source().task(0);
  const exclude = new Set([first.contentHash]);
  const source = mix.source({ exclude });
  const hashes = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => (await source.task(index)).contentHash),
  );
  expect(hashes).not.toContain(first.contentHash);
});

test("has another digest with other weights, names or sources, and ends where a file repeats", async () => {
  const [mini, zebra] = CASES;
  const digests = [
    CASES,
    [{ ...mini, weight: 3 }, zebra],
    [{ ...mini, name: "small" }, zebra],
    [{ ...mini, source: { ...MINI, seed: 5 } }, zebra],
  ].map(async (sources) => (await open(sources as object[])).digest);
  expect(new Set(await Promise.all(digests)).size).toBe(4);
  const file = join(folder, "cases.json");
  const records = ["Hall", "Kitchen"].map((room) => {
    return { num_clues: 1, prompt: `A. Which room? ${room}`, solution: { A: room } };
  });
  writeFileSync(file, JSON.stringify(records));
  const withFile = await open([{ name: "file", source: { type: "dataset", file } }, ...CASES]);
  expect(withFile.source().size).toBe(9);
});

test("a fault of a source names its place in the mix", async () => {
  const bad = { name: "bad", source: { type: "dataset", file: join(folder, "gone.json") } };
  await expect(open([...CASES, bad])).rejects.toThrow(
    /^tasks\.source\.sources\.2\.source\.file: .*gone\.json does not exist$/,
  );
});

const GUESS = `
export function createEnvironment() {
  return {
    task: ({ rng }) => ({ messages: [{ role: "user", content: "Guess." }], answer: rng.below(9) }),
    step: ({ answer }, reply, { isLast }) =>
      Number(reply) === answer || isLast
        ? { reward: Number(reply) === answer ? 1 : 0 }
        : { messages: [{ role: "user", content: "No." }] },
  };
}
`;

test("a task of several turns is continued by its own source, the reply to another is graded", async () => {
  const module = join(folder, "guess.mjs");
  writeFileSync(module, GUESS);
  const turns = { name: "guess", source: { type: "module", module } };
  const mix = await open([turns, { name: "mini", source: MINI }]);
  const source = mix.source();
  const [guess, mini] = [await source.task(0), await source.task(1)];
  const turn = { turn: 0, state: null, isLast: false };
  expect(await mix.step?.(guess, "none", turn)).toMatchObject({ messages: [{ content: "No." }] });
  const gold = (await (await openAlone(MINI)).goldReply?.(mini)) ?? "";
  expect(await mix.step?.(mini, gold, turn)).toMatchObject({ type: "grade", grade: { reward: 1 } });

  const judge = join(folder, "judge.mjs");
  writeFileSync(
    judge,
    GUESS.replace(
      /step:[^]*?\},\n {2}\};/,
      "gradeGroup: (task, replies) => replies.map(() => ({ reward: 0 })),\n  };",
    ),
  );
  const judged = { name: "judge", source: { type: "module", module: judge } };
  await expect(open([turns, judged])).rejects.toThrow(
    "tasks.source.sources: mixes judge, which grades whole groups, with guess, whose tasks have several turns",
  );
});
