import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { createCpuDevice } from "@gumshoe/kernels";
import { afterAll, expect, test } from "vitest";

import { parseScoreRequests, scoreAnswers } from "./score-answers.js";

const ROOKIE = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "score-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("an answer to score is text, or token ids", () => {
  const lines = '{"prompt": "p", "answer": "a"}\n\n{"promptIds": [1, 2], "answerIds": [3]}\n';
  expect(parseScoreRequests(lines)).toEqual([
    { prompt: "p", answer: "a", promptIds: null, answerIds: null },
    { prompt: null, answer: null, promptIds: [1, 2], answerIds: [3] },
  ]);
});

test("an incomplete line is rejected by number", () => {
  expect(() => parseScoreRequests('{"prompt": "p"}')).toThrow("line 1: needs answer");
  expect(() => parseScoreRequests('\n{"answer": "a", "promptIds": [-1]}')).toThrow(
    "line 2: needs prompt",
  );
  expect(() => parseScoreRequests("{")).toThrow("line 1: is not JSON");
  expect(() => parseScoreRequests("\n")).toThrow("--data: the file holds no answers");
});

const openDevice = () => createCpuDevice({ threads: 1 });

test("a prompt is rendered with the given date and variables, or rejected", async () => {
  const model = join(folder, "dated");
  cpSync(ROOKIE, model, { recursive: true });
  const template = "{{ strftime_now('%d') }}{{ mark }}{{ messages[0].content }}";
  writeFileSync(join(model, "chat_template.jinja"), template);
  const score = async (prompt: string, chat: object, from = model) => {
    const requests = parseScoreRequests(JSON.stringify({ prompt, answer: "A" }));
    const [scored] = await scoreAnswers({ folder: from, adapter: null }, requests, {
      temperature: 1,
      openDevice,
      chat,
    });
    return scored?.logprobs;
  };
  const plain = join(folder, "plain");
  cpSync(ROOKIE, plain, { recursive: true });
  writeFileSync(join(plain, "chat_template.jinja"), "{{ messages[0].content }}");
  const chat = { date: "2026-11-28", variables: { mark: "!" } };
  expect(await score("Who?", chat)).toEqual(await score("28!Who?", {}, plain));
  await expect(score("Who?", {})).rejects.toThrow("--date: is missing");
});

test.each([
  [{ promptIds: [5], answerIds: [99_999] }, "answer 0: has the id 99999"],
  [{ promptIds: [], answerIds: [5] }, "answer 0: the prompt has no tokens"],
  [{ promptIds: [5], answerIds: [] }, "answer 0: the answer has no tokens"],
  [{ promptIds: Array(1024).fill(5), answerIds: [5] }, "answer 0: has 1025 tokens"],
])("invalid token ids are rejected: %#", async (request, problem) => {
  const requests = parseScoreRequests(JSON.stringify(request));
  const scores = scoreAnswers({ folder: ROOKIE, adapter: null }, requests, {
    temperature: 1,
    openDevice,
  });
  await expect(scores).rejects.toThrow(problem);
});
