import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import type { SourcedAnswer } from "./answer-source.js";
import { RepliesFile } from "./replies-file.js";

const IDENTITY = { cases: "ab", temperature: 1, model: null };
const ANSWER: SourcedAnswer = {
  index: 3,
  sample: 1,
  outcome: { type: "answer", reply: 'A. "B"\nC', finish: "length" },
  tokens: { prompt: 5, answer: 7 },
};
const PAID: SourcedAnswer = {
  index: 4,
  sample: 0,
  outcome: { type: "failure", reason: "a filter took it", isPaid: true },
  tokens: null,
};
const LOST: SourcedAnswer = {
  index: 5,
  sample: 0,
  outcome: { type: "failure", reason: "500", isPaid: false },
  tokens: null,
};

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "replies-"));
  path = join(folder, "deep/replies.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function write(...answers: SourcedAnswer[]): Promise<void> {
  const file = await RepliesFile.open(path, IDENTITY);
  for (const answer of answers) await file.keep(answer);
  await file.close({ keepEmpty: true });
}

async function read(identity: Record<string, unknown> = IDENTITY): Promise<unknown> {
  const file = await RepliesFile.open(path, identity);
  await file.close({ keepEmpty: true });
  return file.answers;
}

test("charged replies are read back, failed requests are repeated", async () => {
  await write(ANSWER, LOST, PAID);
  expect(await read()).toEqual([ANSWER, PAID]);
  await write(ANSWER);
  expect(await read()).toEqual([ANSWER, PAID, ANSWER]);
});

test("a truncated last line is removed, and its reply requested again", async () => {
  await write(ANSWER);
  const whole = readFileSync(path, "utf8");
  for (const cut of [1, 20]) {
    writeFileSync(
      path,
      `${whole}${JSON.stringify({ index: 9, sample: 0, reply: "x" }).slice(0, -cut)}`,
    );
    expect(await read()).toEqual([ANSWER]);
    expect(readFileSync(path, "utf8")).toBe(whole);
  }
});

test("an invalid line before the last is an error that names it", async () => {
  await write(ANSWER);
  appendFileSync(path, "{}\n");
  await expect(read()).rejects.toThrow("replies.jsonl: line 3 is not a reply");
});

test.each([
  { index: -1, sample: 0, reply: "x" },
  { index: 0, sample: 0.5, reply: "x" },
  { index: 0, sample: 0, reply: "x", finish: "moon" },
  { index: 0, sample: 0, reply: "", notScored: 5 },
  { index: 0, sample: 0, reply: "x", tokens: { prompt: "3", answer: 2 } },
  { index: 0, sample: 0, reply: "x", tokens: [] },
])("a line that no evaluation writes is an error, not an answer: %#", async (line) => {
  await write(ANSWER);
  appendFileSync(path, `${JSON.stringify(line)}\n`);
  await expect(read()).rejects.toThrow("replies.jsonl: line 3 is not a reply");
});

test("the file of another evaluation is rejected with the difference, and left unchanged", async () => {
  await write(ANSWER);
  const before = readFileSync(path, "utf8");
  for (const [name, value] of Object.entries({ cases: "cd", temperature: 0.5, model: "m" })) {
    await expect(read({ ...IDENTITY, [name]: value })).rejects.toThrow(
      `holds the replies of another evaluation: ${name} is`,
    );
  }
  expect(readFileSync(path, "utf8")).toBe(before);
});

test("a file that is not a replies file is rejected, and left unchanged", async () => {
  await write();
  for (const text of ['[{"prompt": "p"}]', "no JSON\nat all", '{"index": 1}\n{"ind']) {
    writeFileSync(path, text);
    await expect(read()).rejects.toThrow("is no file of replies");
    expect(readFileSync(path, "utf8")).toBe(text);
  }
});

test.each([
  '{"index": -1, "sample": 0, "reply": "x"}',
  '{"index": 0, "sample": 0.5, "reply": "x"}',
  '{"index": 0, "sample": 0, "reply": "x", "finish": "banana"}',
  '{"index": 0, "sample": 0, "reply": "x", "tokens": {"prompt": "5", "answer": 1}}',
  '{"index": 0, "sample": 0, "reply": "x", "tokens": {"prompt": 5, "answer": -1}}',
  '{"index": 0, "sample": 0, "reply": "", "notScored": 5}',
])("a line that no evaluation writes is rejected: %s", async (line) => {
  await write();
  appendFileSync(path, `${line}\n`);
  await expect(read()).rejects.toThrow("line 2 is not a reply");
});

test("a device instead of a file is rejected, and not read endlessly", async () => {
  path = "/dev/zero";
  await expect(read()).rejects.toThrow("/dev/zero: is no regular file");
});
