import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseRunConfig } from "@gumshoe/config";
import { taskToJson } from "@gumshoe/puzzles";
import { afterAll, describe, expect, test } from "vitest";

// A module's process runs as shipped, from the built package.
import { isWrongForm, openEnvironment, type RunEnvironment } from "../dist/index.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-environments-"));
const opened: RunEnvironment[] = [];
afterAll(async () => {
  await Promise.all(opened.map((environment) => environment.close()));
  rmSync(folder, { recursive: true, force: true });
});

const GUESS = `export async function createEnvironment({ below = 10 }) {
  return {
    task({ index, rng }) {
      const answer = rng.below(below);
      return { messages: [{ role: "user", content: "Task " + index + ": guess " + answer }], answer };
    },
    async grade({ answer }, reply) {
      if (reply === "broken") throw new Error("the checker has no ink");
      if (reply === "unknown") return { reward: null, reason: "nobody knows" };
      if (reply === "odd") return { score: 1 };
      return { reward: Number(reply) === answer ? 1 : 0, metrics: { length: reply.length } };
    },
    goldReply: ({ answer }) => String(answer),
  };
}
`;

let written = 0;
function write(text: string, name = `module-${++written}.mjs`): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Opens the training environment of a config with this source. */
async function open(source: Record<string, unknown>, rewards: Record<string, unknown> = {}) {
  const tasks = "weights" in rewards ? { source, rewards } : { source };
  const config = { name: "a", type: "grpo", model: "m", tasks };
  const environment = await openEnvironment(parseRunConfig(JSON.stringify(config)), "train");
  if (environment === null) throw new Error("a run has training tasks");
  opened.push(environment);
  return environment;
}

const openModule = (
  module: string,
  more: Record<string, unknown> = {},
  rewards?: Record<string, unknown>,
) => open({ type: "module", module, ...more }, rewards);

describe("a user's module", () => {
  test("is a series that depends on seed and options", async () => {
    const file = write(GUESS);
    const texts = async (more: Record<string, unknown>) => {
      const source = (await openModule(file, more)).source();
      const tasks = await Promise.all(Array.from({ length: 8 }, (_, index) => source.task(index)));
      return tasks.map(({ messages }) => messages[0]?.content);
    };
    const first = await texts({ seed: 4 });
    expect(await texts({ seed: 4 })).toEqual(first);
    expect(await texts({ seed: 5 })).not.toEqual(first);
    expect(await texts({ seed: 4, options: { below: 1 } })).toContain("Task 3: guess 0");
    const source = (await openModule(file, { seed: 4 })).source();
    const late = await source.task(5);
    expect(source.size).toBeNull();
    expect(late).toMatchObject({ id: "module-4-5", randomGuessLevel: 0 });
    expect(late.messages[0]?.content).toBe(first[5]);
  });

  test("grades replies to tasks that were parsed from JSON", async () => {
    const environment = await openModule(write(GUESS));
    const task = environment.readTask(taskToJson(await environment.source().task(2)));
    const gold = (await environment.goldReply?.(task)) ?? "";
    expect(await environment.grade(task, [gold, "-1", gold])).toMatchObject([
      { reward: 1, metrics: { length: 1 } },
      { reward: 0, metrics: { length: 2 } },
      { reward: 1, metrics: { length: 1 } },
    ]);
  });

  test("can report that a reply cannot be scored, which differs from 0", async () => {
    const environment = await openModule(write(GUESS));
    const task = await environment.source().task(0);
    const wrong = "reward must be a finite number, or null with a reason";
    expect(await environment.grade(task, ["unknown", "broken", "odd", "3"])).toMatchObject([
      { reward: null, reason: "nobody knows", metrics: {} },
      { reward: null, reason: "grade() threw: the checker has no ink", metrics: {} },
      { reward: null, reason: `grade() returned {"score":1}: ${wrong}` },
      { metrics: { length: 1 } },
    ]);
  });

  test("may grade a group in one call, in which the replies are compared", async () => {
    const ranking = GUESS.replace(
      /async grade[\s\S]*?\n {4}\},\n/,
      `async gradeGroup({ answer }, replies) {
        if (replies.includes("broken")) throw new Error("the judge is away");
        if (replies.includes("odd")) return [{ reward: 1 }];
        const far = replies.map((reply) => Math.abs(Number(reply) - answer));
        return far.map((one) => {
          if (Number.isNaN(one)) return { reward: null, reason: "no number" };
          return { reward: far.filter((other) => other > one).length, metrics: { far: one } };
        });
      },\n`,
    );
    const environment = await openModule(write(ranking));
    const task = environment.readTask(taskToJson(await environment.source().task(0)));
    const { answer } = task as typeof task & { answer: number };
    const replies = [answer + 2, answer, "?", answer + 1].map(String);
    expect(environment.hasJudge).toBe(true);
    expect(await environment.grade(task, replies)).toMatchObject([
      { reward: 0, metrics: { far: 2 } },
      { reward: 2, metrics: { far: 0 } },
      { reward: null, reason: "no number" },
      { reward: 1, metrics: { far: 1 } },
    ]);
    expect(await environment.grade(task, ["1", "broken"])).toMatchObject([
      { reward: null, reason: "gradeGroup() threw: the judge is away" },
      { reward: null, reason: "gradeGroup() threw: the judge is away" },
    ]);
    const [odd] = await environment.grade(task, ["1", "odd"]);
    expect(odd).toMatchObject({
      reason:
        'gradeGroup() returned [{"reward":1}]: it must return a list of 2 grades, one for each reply',
    });
    expect(odd === undefined || isWrongForm(odd)).toBe(true);
  });

  test("may give several rewards, whose weighted sum is the reward", async () => {
    const file = write(
      GUESS.replace(
        "return { reward: Number(reply) === answer ? 1 : 0, metrics: { length: reply.length } };",
        "return JSON.parse(reply);",
      ),
    );
    const weights = { correct: 2, short: -1 };
    const [plain, weighed] = [await openModule(file), await openModule(file, {}, { weights })];
    expect(weighed.digest).not.toBe(plain.digest);
    const graded = async (grade: unknown, given?: typeof weights) => {
      const environment = given === undefined ? plain : weighed;
      const task = await environment.source().task(0);
      return (await environment.grade(task, [JSON.stringify(grade)]))[0];
    };
    const rewards = { correct: 1, short: 0.5 };
    expect(await graded({ rewards, metrics: { a: 1 } })).toEqual({
      reward: 1.5,
      rewards,
      metrics: { a: 1 },
    });
    expect(await graded({ rewards }, weights)).toMatchObject({ reward: 1.5, rewards });
    const reasons = async (grade: unknown, given?: typeof weights) => {
      const verdict = await graded(grade, given);
      expect(verdict).toMatchObject({ reward: null });
      if (verdict !== undefined) expect(isWrongForm(verdict)).toBe(true);
      return verdict?.reward === null ? verdict.reason.replace(/^.*\}: /, "") : "";
    };
    expect(await reasons({ rewards: { correct: 1, shrt: 0 } }, weights)).toBe(
      "rewards.shrt is not in tasks.rewards.weights (did you mean short?)",
    );
    expect(await reasons({ rewards: { correct: 1 } }, weights)).toBe(
      "rewards.short is missing, which tasks.rewards.weights names",
    );
    expect(await reasons({ rewards: { correct: 1, short: "1" } }, weights)).toBe(
      "rewards.short must be a finite number",
    );
    expect(await reasons({ reward: 1 }, weights)).toContain("rewards with correct, short");
    expect(await reasons({ reward: 1, rewards })).toContain("and no reward");
    expect(await reasons({ rewards: {} })).toBe("rewards must have 1 to 20 names");
    expect(await reasons({ reward: 1, metrics: { "rewards.a": 1 } })).toBe(
      "metrics.rewards.a has the name of a reward",
    );
  });

  test("makes another task instead of an excluded one", async () => {
    const environment = await openModule(write(GUESS));
    const { contentHash, id } = await environment.source().task(1);
    const other = await environment.source({ exclude: new Set([contentHash]) }).task(1);
    expect(other.contentHash).not.toBe(contentHash);
    expect(other.id).toBe(id);
    const fixed = await openModule(write(GUESS.replace("rng.below(below)", "3")));
    const exclude = new Set([(await fixed.source().task(0)).contentHash]);
    await expect(fixed.source({ exclude }).task(0)).rejects.toThrow(
      "leaves no task 0 that is not a validation task: draw it from rng",
    );
  });

  test("is loaded again when its file has changed, and rejects tasks of the old one", async () => {
    const file = write(GUESS, "edited.mjs");
    const before = await (await openModule(file)).source().task(0);
    write(GUESS.replace("guess", "name"), "edited.mjs");
    const after = await openModule(file);
    expect((await after.source().task(0)).messages[0]?.content).toContain("name");
    expect(() => after.readTask(taskToJson(before))).toThrow("needs the same files");
  });
});

describe("a module that breaks the contract is rejected by field", () => {
  test.each([
    ["is no JavaScript", "export funktion", /cannot be loaded: /],
    ["exits", "process.exit(0)", "ended its process"],
    [
      "throws from a timer",
      "setTimeout(() => { throw new Error('late') }, 1); await new Promise(() => setInterval(() => 0, 9));",
      "threw outside of a call: late",
    ],
    ["fails while it is loaded", 'throw new Error("no licence")', "cannot be loaded: no licence"],
    ["exports something else", "export const a = 1", "createEnvironment, but exports a"],
    ["exports nothing", "", "createEnvironment, but exports nothing"],
    [
      "does not like its options",
      'export function createEnvironment() { throw new Error("size is missing"); }',
      "createEnvironment failed: size is missing",
    ],
    [
      "lacks a method",
      "export const createEnvironment = () => ({ task() {} })",
      "createEnvironment must return an object with grade() or gradeGroup()",
    ],
    [
      "grades in two ways",
      "export const createEnvironment = () => ({ task() {}, grade() {}, gradeGroup() {} })",
      "has both grade() and gradeGroup(): keep one of them",
    ],
    ["returns nothing", "export const createEnvironment = () => {}", "an object with task()"],
    [
      "makes no task",
      "export const createEnvironment = () => ({ task() {}, grade() {} })",
      "task 0 cannot be made: task() must return an object with messages",
    ],
    ["makes a wrong role", GUESS.replace('"user"', '"robot"'), "messages[0].role: must be one of"],
    [
      "draws from another chance",
      GUESS.replace("rng.below(below)", "Math.random()"),
      "task 0 was different when it was made again",
    ],
  ])("%s", async (_what, text, message) => {
    const opened = openModule(write(text));
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toMatchObject({ field: "tasks.source.module" });
  });

  test("does not exist", async () => {
    const file = join(folder, "nowhere.mjs");
    await expect(openModule(file)).rejects.toThrow(`tasks.source.module: there is no ${file}`);
  });
});

test("the validation has its own environment, or none", async () => {
  const base = { name: "a", type: "grpo", model: "m", tasks: { source: { type: "generate" } } };
  expect(await openEnvironment(parseRunConfig(JSON.stringify(base)), "validation")).toBeNull();
  const validation = { source: { type: "module", module: join(folder, "nowhere.mjs") } };
  const config = parseRunConfig(JSON.stringify({ ...base, validation }));
  await expect(openEnvironment(config, "validation")).rejects.toMatchObject({
    field: "validation.source.module",
  });
});

test("a file of cases that is missing or too short is rejected by field", async () => {
  const file = write(
    JSON.stringify([{ num_clues: 1, prompt: "A. Who?", solution: { A: "Hall" } }]),
  );
  const short = open({ type: "dataset", file, split: [0, 2] });
  await expect(short).rejects.toThrow(`tasks.source.split: ends at 2, but ${file} has 1 records`);
  const gone = open({ type: "dataset", file: join(folder, "gone.json") });
  await expect(gone).rejects.toMatchObject({ field: "tasks.source.file" });
  expect((await open({ type: "dataset", file })).source().size).toBe(1);
});

test.each([
  ["a missing file", () => join(folder, "gone.json"), "does not exist"],
  ["a folder", () => folder, "is a folder, not a file of cases"],
  ["an empty file", () => write("", "empty.jsonl"), "holds no cases"],
  ["UTF-16", () => utf16(), "is UTF-16 (little-endian); save it as UTF-8"],
  ["another text", () => write("root:x:0:0", "passwd"), "it begins with neither [ nor {"],
  [
    "a broken line",
    () => write('{"num_clues":1,"prompt":"A. Who?","solution":{"A":"b"}}\n{', "b.jsonl"),
    ", line 2: is not JSON",
  ],
  ["a device", () => "/dev/zero", "is no regular file"],
])("%s as a dataset is rejected with field, file and reason", async (_what, make, reason) => {
  const file = make();
  const error = await open({ type: "dataset", file }).catch((thrown: unknown) => thrown as Error);
  expect(String((error as Error).message)).toContain(`tasks.source.file: ${file}`);
  expect(String((error as Error).message)).toContain(reason);
  expect(String((error as Error).message)).not.toContain("root:x");
});

function utf16(): string {
  const file = join(folder, "utf16.json");
  writeFileSync(file, Buffer.from("\ufeff[]", "utf16le"));
  return file;
}
