import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { RunConfig } from "@gumshoe/config";
import { systemClock } from "@gumshoe/core";
import { afterEach, beforeEach, expect, test } from "vitest";

import { loadRunConfig } from "../run/load-config.js";
import { evaluate, type EvaluationOptions } from "./evaluate.js";
import { openTasks as openIn, type TaskChoice } from "./open-tasks.js";

const FIRST = "runs/first.yaml";
const MODULE = `
export function createEnvironment() {
  return {
    task: ({ index, rng }) => {
      const sum = index + rng.below(10);
      return { messages: [{ role: "system", content: "Add." }, { role: "user", content: String(sum) }], answer: sum };
    },
    grade: ({ answer }, reply) => {
      if (reply === "") throw new Error("no reply");
      return { reward: Number(reply) === answer ? 1 : 0.25, metrics: { digits: reply.length } };
    },
  };
}
`;
const OPTIONS: EvaluationOptions = {
  sampling: { samples: 4, temperature: 1, maxAnswerTokens: 9, seed: 1, limits: {} },
  price: null,
  nowMs: () => 0,
  signal: new AbortController().signal,
  onProgress: () => undefined,
  kept: null,
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "open-tasks-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const context = {
  terminal: { out: () => undefined, err: () => undefined, isScreen: false, columns: 80 },
  env: {},
  clock: systemClock,
  workingFolder: ".",
};
const openTasks = (choice: TaskChoice, config: RunConfig | null) =>
  openIn(choice, { config, context });

/** Answers a task of an index by the replies given for its prompt. */
function replier(repliesTo: (prompt: string, sample: number) => string) {
  return {
    async *answer({ messages }: { messages: readonly (readonly { content: string }[])[] }) {
      for (const [index, chat] of messages.entries()) {
        // In reverse: the order of arrival decides nothing.
        for (const sample of [3, 2, 1, 0]) {
          const reply = repliesTo(chat.at(-1)?.content ?? "", sample);
          const outcome = { type: "answer" as const, reply, finish: "stop" as const };
          yield { index, sample, outcome, tokens: { prompt: 1, answer: 1 } };
        }
      }
    },
    close: () => undefined,
  };
}

test("a run config's validation tasks are its held-out tasks, with what guessing scores", async () => {
  const config = loadRunConfig(FIRST, null);
  const tasks = await openTasks({ tasks: FIRST, limit: 3 }, config);
  expect(tasks.messages).toHaveLength(3);
  expect(tasks.guessing).toBeGreaterThan(0.2);
  const more = await openTasks({ tasks: FIRST, limit: 4 }, config);
  expect(more.messages.slice(0, 3)).toEqual(tasks.messages);
  expect(more.digest).toBe(tasks.digest);
});

test("an endless source gives a hundred tasks, and answers vote on each question", async () => {
  const source = "{ type: zebra, houses: 3, attributes: 2, seed: 4 }";
  const tasks = await openTasks({ source }, null);
  expect(tasks.messages).toHaveLength(100);
  const one = await openTasks({ source, limit: 1 }, null);
  const { evaluation } = await evaluate(
    one,
    replier(() => "A. 1"),
    OPTIONS,
  );
  expect(evaluation).toMatchObject({ cases: 1, wanted: 4, answers: 4, guessing: 1 / 3 });
  expect(evaluation.majority?.mean).toBe(evaluation.accuracy?.mean);
});

test("a module grades answers; those that it cannot grade are in no mean", async () => {
  writeFileSync(join(folder, "sums.mjs"), MODULE);
  const source = JSON.stringify({ type: "module", module: join(folder, "sums.mjs"), seed: 5 });
  const tasks = await openTasks({ source, limit: 2 }, null);
  try {
    const replies = replier((prompt, sample) => ["", prompt, "0", "-1"][sample] ?? "");
    const { evaluation } = await evaluate(tasks, replies, OPTIONS);
    expect(tasks.messages[0]?.[0]).toEqual({ role: "system", content: "Add." });
    expect(evaluation).toMatchObject({ answers: 6, failures: 2, majority: null, allCorrect: null });
    expect(evaluation.failureExample).toContain("no reply");
    expect(evaluation.accuracy?.mean).toBe(0.5);
    expect(evaluation.several.map(({ k, pass }) => [k, pass?.mean ?? null])).toEqual([
      [1, 1 / 3],
      [2, 2 / 3],
      [4, null],
    ]);
    expect(Object.keys(evaluation.metrics)).toEqual(["digits"]);
  } finally {
    await tasks.close();
  }
});

test("a file of questions, and a config with a mix and weights of rewards, give their tasks", async () => {
  const file = join(folder, "sums.csv");
  writeFileSync(file, "question,answer\nWhat is 1 + 1?,2\nWhat is 2 + 3?,5\n");
  const source = JSON.stringify({
    type: "file",
    file,
    prompt: "question",
    grader: { type: "number" },
  });
  const questions = await openTasks({ source }, null);
  expect(questions.messages).toHaveLength(2);
  expect((await questions.grade(1, "It is 5.")).reward).toBe(1);

  const module = join(folder, "rewards.mjs");
  const rewards = "rewards: { right: Number(reply) === answer ? 1 : 0, length: reply.length }";
  writeFileSync(module, MODULE.replace(/reward: .* : 0\.25/, rewards));
  const own = (seed: number) => ({ name: `s${seed}`, source: { type: "module", module, seed } });
  const text = {
    type: "grpo",
    model: join("models/rookie"),
    tasks: {
      source: { type: "mix", sources: [own(1), own(2)] },
      rewards: { weights: { right: 1, length: -0.1 } },
    },
    validation: { source: { type: "mix", sources: [own(3), own(4)] }, count: 4 },
  };
  const path = join(folder, "mixed.yaml");
  writeFileSync(path, JSON.stringify(text));
  const mixed = await openTasks({ tasks: path }, loadRunConfig(path, null));
  try {
    expect(mixed.messages).toHaveLength(4);
    const [, sum] = mixed.messages[3] ?? [];
    const reply = sum?.content ?? "";
    const { reward, metrics } = await mixed.grade(3, reply);
    expect(reward).toBeCloseTo(1 - 0.1 * reply.length, 12);
    expect(metrics).toEqual({ digits: reply.length });
  } finally {
    await mixed.close();
  }
});

test.each([
  [{}, "--data: is missing"],
  [{ data: "a.json", source: "{}" }, "--data: excludes --tasks and --source"],
  [{ source: "{ type: zebras }" }, "did you mean zebra?"],
  [{ source: "{ type: zebra, house: 3 }" }, "did you mean houses?"],
  [{ source: "zebra" }, "--source: "],
  [{ source: "{ type: dataset, file: none.json }" }, "none.json"],
  [{ source: "{ type: module, module: none.mjs }" }, "none.mjs"],
  [{ data: "none.json" }, "none.json"],
])("%o is an error that names the option", async (choice, problem) => {
  await expect(openTasks(choice, null)).rejects.toThrow(problem);
});

test("a config without validation has no held-out tasks", async () => {
  const config = { ...loadRunConfig(FIRST, null), validation: null };
  await expect(openTasks({ tasks: FIRST }, config)).rejects.toThrow("has no validation");
});
