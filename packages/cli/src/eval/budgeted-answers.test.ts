/** Budgets of thinking with the rookie, which writes its deductions before a blank line. */
import { fileURLToPath } from "node:url";

import { createCpuDevice } from "@gumshoe/kernels";
import { createTaskSource } from "@gumshoe/puzzles";
import { afterAll, beforeAll, expect, test } from "vitest";

import type { SourcedAnswer } from "./answer-source.js";
import { BudgetedAnswers, WholeAnswers } from "./budgeted-answers.js";
import { checkRoom } from "./check-budgets.js";
import { LocalAnswers } from "./local-answers.js";
import { thinkingMarks } from "./thinking-marks.js";

const ROOKIE = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));
const SAMPLING = { samples: 8, temperature: 1, maxAnswerTokens: 96, seed: 5, limits: {} };
const BUDGET = 8;

let local: LocalAnswers;
let whole: WholeAnswers;
let marks: ReturnType<typeof thinkingMarks>;
beforeAll(async () => {
  const openDevice = () => createCpuDevice({ threads: 1 });
  local = await LocalAnswers.load({ folder: ROOKIE, adapter: null }, { openDevice });
  whole = new WholeAnswers(local.loaded);
  const options = { thinkingStart: "- ", thinkingEnd: "\n\n" };
  marks = thinkingMarks(options, local.loaded.tokenizer);
});
afterAll(() => local.close());

const cases = createTaskSource({ type: "generate", tier: "mini", style: "clear", seed: 11 });
const messages = Array.from({ length: 4 }, (_, index) => cases.task(index).messages);

/** Answers under a budget, by prompt and sample. */
async function answers(budget: number | null, of = whole) {
  const source = new BudgetedAnswers(local.loaded, { whole: of, marks, budget });
  const questions = { messages, isKnown: () => false, conversationOf: null };
  const all = new Map<string, SourcedAnswer & { reply: string }>();
  for await (const answer of source.answer(questions, SAMPLING, new AbortController().signal)) {
    const { index, sample, outcome } = answer;
    const reply = outcome.type === "answer" ? outcome.reply : "";
    all.set(`${index}/${sample}`, { ...answer, reply });
  }
  return { all, numCut: source.numCut };
}

test("an answer whose thinking goes on is closed and continued; any other is that without a budget", async () => {
  const free = await answers(null);
  expect(free.all.size).toBe(32);
  expect(free.numCut).toBe(0);
  const { all, numCut } = await answers(BUDGET);
  let numChanged = 0;
  for (const [key, { reply, tokens }] of all) {
    const before = free.all.get(key);
    const thinks = before?.reply.startsWith("- ") ?? false;
    if (!thinks) {
      expect(reply).toBe(before?.reply);
      expect(tokens).toEqual(before?.tokens);
      continue;
    }
    numChanged++;
    const [thought = "", ...rest] = reply.split("\n\n");
    expect(before?.reply.startsWith(thought)).toBe(true);
    expect(local.loaded.tokenizer.encode(thought).length).toBeLessThanOrEqual(BUDGET);
    expect(rest.length).toBeGreaterThan(0);
    expect(tokens?.answer).toBeLessThanOrEqual(SAMPLING.maxAnswerTokens);
    expect(tokens?.answer).toBeGreaterThan(BUDGET);
  }
  expect(numCut).toBe(numChanged);
  expect(numCut).toBeGreaterThan(2);
  // The same again, sampled anew.
  const again = await answers(BUDGET, new WholeAnswers(local.loaded));
  expect([...again.all].sort()).toEqual([...all].sort());
});

test("a budget that no thinking reaches changes nothing", async () => {
  const [free, wide] = [await answers(null), await answers(SAMPLING.maxAnswerTokens)];
  expect(wide).toEqual(free);
});

test("a budget without room for an answer is refused", () => {
  expect(() => checkRoom([8, 90], SAMPLING, 6)).toThrow(
    "--thinking-budget: is 90, which leaves no room for an answer within --max-tokens 96",
  );
  expect(() => checkRoom([8, 89], SAMPLING, 6)).not.toThrow();
});
