import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { afterEach, beforeEach, expect, test } from "vitest";

import { heldOutCases } from "./held-out-cases.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-cases-"));
  mkdirSync(join(folder, "rollouts"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Writes the answers of a validation: a sampled and a greedy one for each of five cases. */
function write(iteration: number, reply: string): void {
  const line = (group: number, text: string, reward: number) =>
    JSON.stringify({
      group: `${iteration}/validation/${group}`,
      task: `mini-${group % 5}`,
      rollout: 0,
      weights: iteration,
      prompt: `Who was it in case ${group % 5}?`,
      reply: text,
      answer: { A: "Mrs. White" },
      reward,
      finish: "stop",
      tokens: 3,
    });
  const lines = Array.from({ length: 10 }, (_, group) =>
    group < 5 ? line(group, "sampled", 0) : line(group, reply, 1),
  );
  const file = join(folder, "rollouts", `validation-${iteration}.jsonl.gz`);
  writeFileSync(file, gzipSync(lines.map((one) => `${one}\n`).join("")));
}

function result(...iterations: number[]) {
  const interval = { reward: 0, low: 0, high: 0, count: 5, randomGuess: 0 };
  return { validation: iterations.map((iteration) => ({ ...interval, iteration })) };
}

test("the first three held-out cases stand side by side with their greedy answers", async () => {
  write(0, "A. Mr. Green");
  write(40, "- She was alone\n\nA. Mrs. White");
  const text = await heldOutCases(folder, result(0, 20, 40), 120);
  const lines = text.split("\n");
  expect(lines.filter((line) => line.startsWith("case mini-")).length).toBe(3);
  expect(text).toMatch(/case mini-0 +before: score 1\.000 +after: score 1\.000/);
  expect(text).toMatch(/Who was it in case 2\? +A\. Mr\. Green +- She was alone/);
  expect(text).toMatch(/Right answers: +A\. Mrs\. White\nA\. Mrs\. White/);
  expect(text).not.toContain("sampled\n");
});

test("a run with one validation, or without its answers, shows no cases", async () => {
  write(0, "A. Mr. Green");
  expect(await heldOutCases(folder, result(0), 100)).toBe("");
  expect(await heldOutCases(folder, result(0, 40), 100)).toBe("");
});
