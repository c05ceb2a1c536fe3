import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

import { taskToJson } from "../environment/task.js";
import { goldReply } from "../grading/replies.js";
import { parseDataset } from "./dataset.js";
import { gradeTask } from "./grade-task.js";
import { createTaskSource } from "./task-source.js";
import { caseTaskFromJson } from "./task.js";

const GOLDEN = new URL("../../../../test/golden/temporal-clue/val.json", import.meta.url);
const records = parseDataset(readFileSync(GOLDEN, "utf8"));
const MINI = { type: "generate", tier: "mini", style: "clear", seed: 11 } as const;
const FILE = { type: "dataset", records } as const;

const ids = (source: { task(index: number): { id: string } }, from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => source.task(from + index).id);

test("an index gives the same task on every request", () => {
  const source = createTaskSource(MINI);
  const late = source.task(7);
  source.task(3);
  expect(source.task(7)).toEqual(late);
  expect(createTaskSource(MINI).task(7)).toEqual(late);
  expect(source.size).toBe(null);
});

test("a file keeps its order without a seed; with a seed every pass has its own order", () => {
  const plain = createTaskSource(FILE);
  expect(ids(plain, 0, 3)).toEqual(["record-1", "record-2", "record-3"]);
  expect(plain.task(64).id).toBe("record-1");
  const mixed = createTaskSource(FILE, { orderSeed: 5 });
  const first = ids(mixed, 0, 64);
  const second = ids(mixed, 64, 128);
  expect([...first].sort()).toEqual([...ids(plain, 0, 64)].sort());
  expect(second).not.toEqual(first);
  expect([...second].sort()).toEqual([...first].sort());
  expect(ids(createTaskSource(FILE, { orderSeed: 5 }), 64, 128)).toEqual(second);
  expect(ids(createTaskSource(FILE, { orderSeed: 6 }), 0, 64)).not.toEqual(first);
});

test("a task of the validation set is not drawn, from any source", () => {
  const generated = createTaskSource(MINI);
  const unwanted = new Set([
    generated.task(2).contentHash,
    createTaskSource(FILE).task(0).contentHash,
  ]);
  const others = createTaskSource(MINI, { exclude: unwanted });
  expect(others.task(1)).toEqual(generated.task(1));
  expect(others.task(2).contentHash).not.toBe(generated.task(2).contentHash);
  const file = createTaskSource(FILE, { exclude: unwanted });
  expect(file.size).toBe(63);
  expect(file.task(0).id).toBe("record-2");
});

test("a source without any remaining record is an error", () => {
  expect(() => createTaskSource({ type: "dataset", records: [] })).toThrow("leaves no case");
});

test("questions of the public cases have the right kinds, main flags and choices", () => {
  const task = createTaskSource(FILE).task(0);
  const main = task.questions.filter((question) => question.main);
  expect(main.length).toBeGreaterThanOrEqual(2);
  expect(task.questions.length).toBeGreaterThan(main.length);
  for (const { letter, choices } of task.questions) {
    expect(choices).toContain(task.solution[letter]);
  }
  const all = records.map((_, index) => createTaskSource(FILE).task(index));
  const level = all.reduce((sum, one) => sum + one.randomGuessLevel, 0) / all.length;
  expect(level).toBeGreaterThan(0.15);
  expect(level).toBeLessThan(0.3);
}, 60_000);

test("an answer that is no known name is an error that names record and letter", () => {
  const odd = [{ num_clues: 1, prompt: "A. Who?", solution: { A: "Batman" } }];
  expect(() => createTaskSource({ type: "dataset", records: odd })).toThrow(
    'record 1, field solution.A: "Batman" is no known name',
  );
});

test("the grade of a reply has a reward and metrics", () => {
  const task = createTaskSource(MINI).task(0);
  expect(gradeTask(task, goldReply(task.solution))).toEqual({
    reward: 1,
    metrics: { allCorrect: 1, answered: 1, listed: 1, mainScore: 1, reasons: 0 },
  });
  const others = goldReply(Object.fromEntries(Object.keys(task.solution).map((a) => [a, "Robin"])));
  expect(gradeTask(task, others).metrics).toMatchObject({ answered: 1, listed: 0 });
  expect(gradeTask(task, "no idea")).toEqual({
    reward: 0,
    metrics: { allCorrect: 0, answered: 0, listed: 0, mainScore: 0, reasons: 0 },
  });
});

test("a task survives a JSON round trip", () => {
  for (const source of [createTaskSource(MINI), createTaskSource(FILE)]) {
    const task = source.task(1);
    expect(caseTaskFromJson(taskToJson(task))).toEqual(task);
  }
});

test.each([
  ["{", "task: is not JSON"],
  ["[]", "task: must be an object"],
  ['{"id": 3, "solution": {}}', "task.id: must be a text"],
])("an invalid task is rejected: %s", (text, message) => {
  expect(() => caseTaskFromJson(text)).toThrow(message);
});

test.each([
  ["messages", [{ role: "robot", content: "" }], "task.messages[0].role"],
  ["questions", [{ letter: "A", kind: "colour" }], "task.questions[0].kind"],
  ["solution", { A: 1 }, "task.solution.A"],
  ["randomGuessLevel", 2, "task.randomGuessLevel"],
])("an invalid %s is rejected by name", (field, value, place) => {
  const task = createTaskSource(MINI).task(0);
  expect(() => caseTaskFromJson(JSON.stringify({ ...task, [field]: value }))).toThrow(place);
});
