/** What a config and what it names decide is told when the run is submitted, and not after hours of it. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { checkRunConfig } from "@gumshoe/config";
import { InvalidArgumentError } from "@gumshoe/core";
import { createTaskSource } from "@gumshoe/puzzles";
import { afterAll, beforeAll, expect, test } from "vitest";

import { fileDigest } from "../ledger/file-digest.js";
import { checkInputs } from "./run-inputs.js";

const ROOKIE = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));
const CASES = { type: "generate", tier: "mini", seed: 1 };
const OTHER_CASES = { ...CASES, seed: 2 };

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gumshoe-preflight-"));
  model = join(folder, "model");
  await cp(ROOKIE, model, { recursive: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function setPositions(count: number): Promise<void> {
  const file = join(model, "config.json");
  const config = JSON.parse(await readFile(file, "utf8")) as object;
  await writeFile(file, JSON.stringify({ ...config, max_position_embeddings: count }));
}

async function checked(changes: Record<string, unknown>, positions = 1024) {
  await setPositions(positions);
  const { type = "grpo" } = changes;
  const tasks = type === "grpo" ? { tasks: { source: CASES, perIteration: 2 } } : {};
  const config = { name: "checked", type, model, updatesPerIteration: 1, ...tasks, ...changes };
  return checkInputs(checkRunConfig(config), fileDigest);
}

async function refusal(changes: Record<string, unknown>, positions?: number): Promise<string> {
  const thrown: unknown = await checked(changes, positions).catch((error: unknown) => error);
  if (thrown instanceof InvalidArgumentError) return thrown.message;
  throw new Error(`not refused: ${String(thrown)}`);
}

/** Writes a module whose grade is this value, and returns its source. @param more  further members */
async function grading(grade: string, more = "") {
  const module = join(folder, "grading.mjs");
  const messages = '[{ role: "user", content: "Task " + index }]';
  await writeFile(
    module,
    `export const createEnvironment = () => ({
      task: ({ index }) => ({ messages: ${messages}, answer: "answer " + index }),
      grade: (task, reply) => (${grade}),
      ${more}
    });`,
  );
  return { type: "module", module };
}

test("answers that go beyond the model's last position are refused with what fits", async () => {
  const said = await refusal({ rollouts: { maxAnswerTokens: 2000 }, maxPackTokens: 8192 });
  const [, prompt = "", room = ""] =
    /^rollouts\.maxAnswerTokens: is 2000; the prompt of mini-\S+ has (\d+) tokens, and the model 1024 positions \(at most (\d+)\)$/.exec(
      said,
    ) ?? [];
  expect(Number(prompt) + Number(room)).toBe(1024);
  await expect(checked({ rollouts: { maxAnswerTokens: 64 } })).resolves.toBeDefined();
});

test("a prompt that alone is longer than the model's positions is refused", async () => {
  expect(await refusal({}, 20)).toMatch(
    /^model: has 20 positions; the prompt of mini-\S+ alone has \d+ tokens$/,
  );
});

test("a pack that is too small for a prompt with its answer is refused, in training alone", async () => {
  const small = { rollouts: { maxAnswerTokens: 64 }, maxPackTokens: 65 };
  expect(await refusal(small)).toMatch(
    /^maxPackTokens: is 65; mini-\S+ needs \d+ tokens with its answer \(at least \d+\)$/,
  );
  // Nothing is learnt from the cases of a validation.
  const hard = { source: { type: "generate", tier: "hard", seed: 2 }, count: 1 };
  const fits = { rollouts: { maxAnswerTokens: 64 }, maxPackTokens: 400 };
  await expect(checked({ ...fits, validation: hard }, 8192)).resolves.toBeDefined();
  const learnt = { source: hard.source, perIteration: 2 };
  expect(await refusal({ ...fits, tasks: learnt }, 8192)).toMatch(/^maxPackTokens: is 400; hard-/);
});

test("the cases of a validation are measured, too", async () => {
  const validation = { source: { type: "generate", tier: "hard", seed: 2 }, count: 1 };
  expect(await refusal({ validation }, 400)).toMatch(
    /^(model|rollouts\.maxAnswerTokens): .*hard-clear-2-0/,
  );
});

test("an example whose right reply goes beyond the model's positions is refused", async () => {
  const examples = { type: "sft", examples: { source: CASES, perUpdate: 2 } };
  const said = await refusal(examples, 60);
  expect(said).toMatch(/^model: has 60 positions; /);
  await expect(checked(examples)).resolves.toBeDefined();
});

test("a seed from which no stream can be made is refused", async () => {
  expect(await refusal({ seed: Number.MAX_SAFE_INTEGER })).toMatch(
    /^seed: is 9007199254740991; it must be at most \d+$/,
  );
});

test("a rollback without a checkpoint of every validation is refused", async () => {
  const rules = (every: number, action: string) => ({
    validation: { source: OTHER_CASES, count: 2, every: 5 },
    checkpoint: { every },
    stopWhen: { action },
  });
  const problem =
    "checkpoint.every: is 10, and validation.every 5: stopWhen.action rollback needs a checkpoint of every validation (5)";
  expect(await refusal(rules(10, "rollback"))).toBe(problem);
  await expect(checked(rules(5, "rollback"))).resolves.toBeDefined();
  await expect(checked(rules(10, "stop"))).resolves.toBeDefined();
});

test.each([
  ["{ reward: true }", 'tasks.source: grade() returned {"reward":true}: reward must be'],
  ['{ reward: "1" }', 'tasks.source: grade() returned {"reward":"1"}: reward must be'],
  ["1", "tasks.source: grade() returned 1: it must return { reward, metrics }"],
])("a grader that returns %s is refused with the field", async (grade, problem) => {
  const source = await grading(grade);
  expect(await refusal({ tasks: { source, perIteration: 2 } })).toContain(problem);
  const validation = { source, count: 2 };
  expect(await refusal({ validation })).toContain(problem.replace("tasks.", "validation."));
});

const FAIL = '(() => { throw new Error("no key") })()';

test.each([
  [
    "for every reply",
    FAIL,
    "",
    /^tasks\.source: grade\(\) threw: no key \(so for each of 9 replies to module-\S+\) \(return/,
  ],
  ["because of a mistake", "{ reward: score }", "", /grade\(\) threw: score is not defined/],
  [
    "for its own reference reply",
    `reply === "right" ? ${FAIL} : { reward: 0 }`,
    'goldReply: () => "right",',
    /^tasks\.source: the reference reply of module-\S+ cannot be scored: grade\(\) threw: no key$/,
  ],
])("a grader that throws %s is refused with the reason", async (_when, grade, more, problem) => {
  const source = await grading(grade, more);
  expect(await refusal({ tasks: { source, perIteration: 2 } })).toMatch(problem);
});

test("a wrong type for the right answer alone is found", async () => {
  const source = await grading("reply === task.answer ? true : { reward: 0 }");
  expect(await refusal({ tasks: { source, perIteration: 2 } })).toContain("grade() returned true");
});

test.each([
  ["throws for replies that it cannot read", `/boxed/.test(reply) ? { reward: 0 } : ${FAIL}`],
  ["scores the right answer alone", `reply === task.answer ? { reward: 1 } : ${FAIL}`],
  ["says that it cannot score", '{ reward: null, reason: "no form" }'],
])("a grader that %s is accepted", async (_what, grade) => {
  const tasks = { source: await grading(grade), perIteration: 2 };
  await expect(checked({ tasks })).resolves.toBeDefined();
});

test("a reward that the config does not weigh is refused with its name and the field, in a mix, too", async () => {
  const own = await grading("{ rewards: { good: 1, short: 0.5 } }");
  const sources = [
    { name: "judged", source: own },
    { name: "other", source: own },
  ];
  const rewards = { weights: { good: 1, brief: 0.5 } };
  const tasks = { source: { type: "mix", sources }, perIteration: 2, rewards };
  expect(await refusal({ tasks })).toMatch(
    /^tasks\.source\.sources\.0\.source: grade\(.*rewards\.short is not in tasks\.rewards\.weights/,
  );
});

test("a file that is drawn from many times is a warning, and its run is taken", async () => {
  const file = join(folder, "cases.jsonl");
  const source = createTaskSource({ type: "generate", tier: "mini", style: "dataset", seed: 1 });
  const lines = Array.from({ length: 6 }, (_, i) => {
    const { messages, solution } = source.task(i);
    return JSON.stringify({ num_clues: 1, prompt: messages[0]?.content, solution });
  });
  await writeFile(file, lines.join("\n"));
  const tasks = { source: { type: "dataset", file }, perIteration: 16 };
  const { warnings } = await checked({ tasks, iterations: 60 });
  expect(warnings).toEqual([
    expect.stringMatching(
      /^the file has 6 cases and the run draws 960: each comes about 160 times/,
    ),
  ]);
  expect((await checked({ tasks, iterations: 5 })).warnings).toEqual([]);
});

test("a file of which the validation or the report takes all cases is refused", async () => {
  const file = join(folder, "cases.json");
  const cases = ["a", "b"].map((prompt) => ({
    num_clues: 1,
    prompt,
    solution: { A: "Mr. Green" },
  }));
  await writeFile(file, JSON.stringify(cases));
  const source = { type: "dataset", file };
  const changes = (count: number) => ({
    tasks: { source, perIteration: 2 },
    validation: { source, count },
  });
  expect(await refusal(changes(2))).toBe(
    "tasks.source.file: holds no case that is not in the validation, and those are not learnt from",
  );
  await expect(checked(changes(1))).resolves.toBeDefined();
  expect(await refusal({ ...changes(1), validation: null, report: { source, count: 2 } })).toBe(
    "tasks.source.file: holds no case that is not in the report, and those are not learnt from",
  );
});

test("a report with a task of the validation is refused by field, and one without is taken", async () => {
  const validation = { source: OTHER_CASES, count: 3 };
  const report = { source: OTHER_CASES, count: 2 };
  expect(await refusal({ validation, report })).toMatch(
    /^report\.source: has 2 of its 2 tasks in the validation, too, such as mini-\S+, .*\(another seed, or another split of the file\)$/,
  );
  const source = { ...CASES, seed: 3 };
  await expect(checked({ validation, report: { source, count: 2 } })).resolves.toBeDefined();
});

test("the cases of a report are measured, too", async () => {
  const report = { source: { type: "generate", tier: "hard", seed: 2 }, count: 1 };
  expect(await refusal({ report }, 400)).toMatch(
    /^(model|rollouts\.maxAnswerTokens): .*hard-clear-2-0/,
  );
});

test("a module whose tasks depend on the calls before is refused", async () => {
  const module = join(folder, "counting.mjs");
  await writeFile(
    module,
    `let calls = 0;
    export const createEnvironment = () => ({
      // The first task is the same each time.
      task: ({ index }) => ({ messages: [{ role: "user", content: "Task " + (index > 3 ? ++calls : 0) }] }),
      grade: () => ({ reward: 0 }),
    });`,
  );
  expect(await refusal({ tasks: { source: { type: "module", module }, perIteration: 2 } })).toBe(
    "tasks.source.module: task 7 came out differently a second time (it may depend on index and rng alone)",
  );
});

test("a chat template that leaves the tasks out of the prompts is refused", async () => {
  const file = join(model, "chat_template.jinja");
  const parts =
    "{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}";
  await writeFile(file, `<|user|>${parts}<|assistant|>`);
  try {
    expect(await refusal({})).toMatch(
      /^model: .*\/model: the chat template writes the same prompt for mini-\S+ and mini-\S+, whose messages differ/,
    );
  } finally {
    await rm(file);
  }
  // Tasks that are alike have one prompt.
  const module = join(folder, "same.mjs");
  await writeFile(
    module,
    `export const createEnvironment = () => ({
      task: () => ({ messages: [{ role: "user", content: "Say yes" }] }),
      grade: () => ({ reward: 0 }),
    });`,
  );
  const tasks = { source: { type: "module", module }, perIteration: 2 };
  await expect(checked({ tasks })).resolves.toBeDefined();
});

test("a module whose tasks take long to make is named, with what they cost an iteration", async () => {
  const module = join(folder, "slow-task.mjs");
  await writeFile(
    module,
    `const wait = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 110);
    export const createEnvironment = () => ({
      task: ({ index }) => (wait(), { messages: [{ role: "user", content: "Task " + index }] }),
      grade: () => ({ reward: 0 }),
    });`,
  );
  const { warnings } = await checked({
    tasks: { source: { type: "module", module }, perIteration: 50 },
  });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(
    /^tasks\.source\.module: task\(\) of .*slow-task\.mjs takes 0\.\d s, \d+ s in each iteration for 50 tasks/,
  );
  // A fast module is none.
  const tasks = { source: await grading("{ reward: 0 }"), perIteration: 50 };
  expect((await checked({ tasks })).warnings).toEqual([]);
});

test("a file of questions that are all in the validation is refused, also as a part of a mix", async () => {
  const file = join(folder, "questions.csv");
  await writeFile(file, "prompt,answer\nWho?,Green\nWhere?,Hall\n");
  const questions = { type: "file", file };
  const validation = { source: questions, count: 2 };
  const problem = "holds no case that is not in the validation, and those are not learnt from";
  const tasks = { source: questions, perIteration: 2 };
  expect(await refusal({ tasks, validation })).toBe(`tasks.source.file: ${problem}`);
  const sources = [
    { name: "cases", source: CASES },
    { name: "questions", source: questions },
  ];
  const mixed = { source: { type: "mix", sources }, perIteration: 2 };
  expect(await refusal({ tasks: mixed, validation })).toBe(
    `tasks.source.sources.1.source.file: ${problem}`,
  );
  const half = { source: { ...questions, split: [0, 1] }, count: 2 };
  const { inputs } = await checked({ tasks: mixed, validation: half });
  expect(inputs.sources.map(({ field }) => field)).toEqual([
    "tasks.source.sources.0.source",
    "tasks.source.sources.1.source.file",
    "validation.source.file",
  ]);
});

test("a server that gives another task a second time is refused", async () => {
  let numCalls = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { index } = JSON.parse(Buffer.concat(chunks).toString()) as { index?: number };
      numCalls += 1;
      const content = `Task ${index === 7 ? numCalls : index}`;
      const task = { version: "1", messages: [{ role: "user", content }] };
      response.end(JSON.stringify(task));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const tasks = { source: { type: "http", url }, perIteration: 2 };
    expect(await refusal({ tasks })).toBe(
      "tasks.source.url: task 7 came out differently a second time " +
        "(it may depend on its seed, index and attempt alone)",
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
