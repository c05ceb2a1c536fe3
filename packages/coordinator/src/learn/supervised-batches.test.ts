import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { readAssets, Tokenizer } from "@gumshoe/engine";
import { parseRunConfig, type RunConfig } from "@gumshoe/config";
import { bytesToTokens } from "@gumshoe/protocol";
import type { CaseTask } from "@gumshoe/puzzles";
import { beforeAll, expect, test } from "vitest";

import { TaskPlan } from "../plan/task-plan.js";
import { decodePacks } from "./encoded-packs.js";
import { SupervisedBatches } from "./supervised-batches.js";

const ROOKIE = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));
type SftConfig = Extract<RunConfig, { type: "sft" }>;

const configOf = (answers: { type: string; share?: number; hasty?: number }) =>
  parseRunConfig(
    JSON.stringify({
      name: "school",
      type: "sft",
      model: ROOKIE,
      iterations: 4,
      updatesPerIteration: 2,
      examples: { source: { type: "generate", tier: "mini", seed: 1 }, answers, perUpdate: 8 },
      lanes: 3,
    }),
  ) as SftConfig;
const config = configOf({ type: "gold" });

let tokenizer: Tokenizer;
let tasks: TaskPlan;
beforeAll(async () => {
  tokenizer = Tokenizer.fromAssets(await readAssets(ROOKIE));
  tasks = await TaskPlan.open(config);
});
const batch = () => new SupervisedBatches(config, tasks, { tokenizer, maxPositions: 2048 });

test("an iteration's examples do not depend on earlier requests", async () => {
  const inOrder = batch();
  for (const iteration of [0, 1]) await inOrder.of(iteration);
  expect(await inOrder.of(2)).toEqual(await batch().of(2));
  expect(await inOrder.of(0)).toEqual(await batch().of(0));
});

test("examples of a file are its questions with its answers", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gumshoe-examples-"));
  const file = join(folder, "chats.jsonl");
  const chats = ["Rope", "Hall"].map((answer) => [
    { role: "user", content: `Is it ${answer}?` },
    { role: "assistant", content: `A. ${answer}` },
  ]);
  writeFileSync(file, chats.map((chat) => JSON.stringify({ chat })).join("\n"));
  const source = { type: "file" as const, file, messages: "chat", answer: null };
  const examples = { source, perUpdate: 2 };
  const learnt = parseRunConfig(JSON.stringify({ ...config, examples })) as SftConfig;
  const plan = await TaskPlan.open(learnt);
  const made = await new SupervisedBatches(learnt, plan, { tokenizer, maxPositions: 2048 }).of(0);
  const answers = made.updates[0]?.flatMap(decodePacks).flatMap((pack) => pack.answers) ?? [];
  const texts = answers.map(({ tokens }) =>
    tokenizer.decode([...bytesToTokens(tokens)], { skipSpecialTokens: true }),
  );
  expect(texts.sort()).toEqual(["A. Hall", "A. Rope"]);
  await plan.close();
  rmSync(folder, { recursive: true });
});

test("every example occurs once, on one of the lanes", async () => {
  const { updates } = await batch().of(1);
  expect(updates.map((lanes) => lanes.length)).toEqual([3, 3]);
  const keys = updates
    .flat()
    .flatMap(decodePacks)
    .map(({ groupKey }) => groupKey);
  const expected = Array.from({ length: 16 }, (_, i) => `example ${16 + i}`);
  expect(keys.sort()).toEqual(expected.sort());
});

test("the target tokens of an update have equal weights that add up to one", async () => {
  const { updates } = await batch().of(0);
  for (const lanes of updates) {
    const answers = lanes.flatMap(decodePacks).flatMap(({ answers: some }) => some);
    const weights = answers.flatMap(({ tokens, weight }) =>
      Array.from(bytesToTokens(tokens), () => weight),
    );
    expect(new Set(weights).size).toBe(1);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
  }
});

test("an example is its prompt as a chat, then the right answers and the end token", async () => {
  const { updates } = await batch().of(0);
  const pack = updates
    .flat()
    .flatMap(decodePacks)
    .find(({ groupKey }) => groupKey === "example 3");
  const task = (await tasks.task(3)) as CaseTask;
  const [answer] = pack?.answers ?? [];
  const tokens = [...bytesToTokens(answer?.tokens ?? Buffer.alloc(0))];
  const text = tokenizer.decode(tokens, { skipSpecialTokens: true });
  expect(text).toMatch(/^A\. /);
  for (const right of Object.values(task.solution)) expect(text).toContain(right);
  expect([...bytesToTokens(pack?.promptTokens ?? Buffer.alloc(0))]).toEqual(
    tokenizer.encodeChat(task.messages),
  );
  expect(tokens.at(-1)).toBe(tokenizer.stopTokenIds[0]);
});

test("a share of the examples is answered with the deduction, the same ones every time", async () => {
  const replies = async (share: number, hasty = 0) => {
    const traced = configOf({ type: "trace", share, hasty });
    const batches = new SupervisedBatches(traced, tasks, { tokenizer, maxPositions: 2048 });
    const { updates } = await batches.of(0);
    return updates
      .flat()
      .flatMap(decodePacks)
      .flatMap(({ answers }) => answers)
      .map(({ tokens }) =>
        tokenizer.decode([...bytesToTokens(tokens)], { skipSpecialTokens: true }),
      );
  };
  const some = await replies(0.5);
  const bare = some.filter((reply) => reply.startsWith("A. "));
  expect(bare.length).toBeGreaterThan(2);
  expect(bare.length).toBeLessThan(14);
  for (const reply of some.filter((one) => !bare.includes(one))) {
    expect(reply).toMatch(/^- .*\n\nA\. /s);
  }
  expect(await replies(0.5)).toEqual(some);
  expect((await replies(1)).every((reply) => reply.startsWith("- "))).toBe(true);
  const right = await replies(0);
  expect(right.every((reply) => reply.startsWith("A. "))).toBe(true);
  const hasty = await replies(0, 0.5);
  expect(hasty).not.toEqual(right);
  expect(hasty.some((reply) => right.includes(reply))).toBe(true);
  expect(await replies(0.5, 1)).toEqual(
    some.map((reply) =>
      bare.includes(reply) ? (expect.stringMatching(/^A\. /) as string) : reply,
    ),
  );
});
