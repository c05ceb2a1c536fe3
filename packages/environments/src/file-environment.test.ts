import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { parseRunConfig } from "@gumshoe/config";
import { taskToJson } from "@gumshoe/puzzles";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, describe, expect, test } from "vitest";

// A module's process runs as shipped, from the built package.
import { openEnvironment, type RunEnvironment } from "../dist/index.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-files-"));
const opened: RunEnvironment[] = [];
afterAll(async () => {
  await Promise.all(opened.map((environment) => environment.close()));
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

async function open(source: Record<string, unknown>): Promise<RunEnvironment> {
  const tasks = { source: { type: "file", ...source } };
  const text = JSON.stringify({ name: "a", type: "grpo", model: "m", tasks });
  const environment = await openEnvironment(parseRunConfig(text), "train");
  opened.push(environment);
  return environment;
}

const QUESTIONS = [
  { question: "What is 6 x 7?", answer: "42", chat: chatOf("What is 6 x 7?", "It is 42.") },
  { question: 'Say "a, b"\nand c.', answer: "7", chat: chatOf("Which day?", "Day 7") },
];

function chatOf(question: string, answer: string) {
  return [
    { role: "user", content: question },
    { role: "assistant", content: answer },
  ];
}

/** Writes columns as Parquet, the chats as JSON. */
function parquet(codec?: "GZIP"): Uint8Array {
  const column = (name: string, data: string[]) => ({ name, data, type: "STRING" as const });
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        column(
          "question",
          QUESTIONS.map(({ question }) => question),
        ),
        { name: "answer", data: QUESTIONS.map(({ answer }) => BigInt(answer)), type: "INT64" },
        column(
          "chat",
          QUESTIONS.map(({ chat }) => JSON.stringify(chat)),
        ),
      ],
      ...(codec === undefined ? {} : { codec, compressors: { GZIP: (bytes) => gzipSync(bytes) } }),
    }),
  );
}

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const row = ({ question, answer, chat }: (typeof QUESTIONS)[number], delimiter: string) =>
  [quoted(question), answer, quoted(JSON.stringify(chat))].join(delimiter);
const FILES: Readonly<Record<string, string | Uint8Array>> = {
  "lines.jsonl": `\uFEFF${QUESTIONS.map((one) => JSON.stringify(one)).join("\n")}\n\n`,
  "list.json": JSON.stringify(QUESTIONS, null, 2),
  "table.csv": `question,answer,chat\r\n${QUESTIONS.map((one) => row(one, ",")).join("\r\n")}\r\n`,
  "table.tsv": `question\tanswer\tchat\n${QUESTIONS.map((one) => row(one, "\t")).join("\n")}`,
  "plain.parquet": parquet(),
  "zipped.parquet": parquet("GZIP"),
};

describe.each(Object.keys(FILES))("%s", (name) => {
  test("has a task for each record, with a question or with a chat", async () => {
    const file = write(name, FILES[name] ?? "");
    const grader = { type: "number" };
    const source = (await open({ file, prompt: "question", grader })).source();
    expect(source.size).toBe(2);
    expect(await source.task(1)).toMatchObject({
      id: "record-2",
      messages: [{ role: "user", content: QUESTIONS[1]?.question }],
      answer: "7",
    });
    const chats = await open({ file, messages: "chat", answer: null, system: "Be brief.", grader });
    expect(await chats.source().task(0)).toMatchObject({
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "What is 6 x 7?" },
      ],
      answer: "It is 42.",
    });
  });
});

test("a chat column of Parquet may be a list of structs, as in datasets of the hub", async () => {
  const schema = [
    { name: "root", num_children: 2 },
    { name: "messages", num_children: 1, repetition_type: "OPTIONAL", converted_type: "LIST" },
    { name: "list", num_children: 1, repetition_type: "REPEATED" },
    { name: "element", num_children: 2, repetition_type: "OPTIONAL" },
    { name: "role", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
    { name: "content", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
    { name: "answer", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
  ] as NonNullable<Parameters<typeof parquetWriteBuffer>[0]["schema"]>;
  const columnData = [
    { name: "messages", data: QUESTIONS.map(({ chat }) => chat) },
    { name: "answer", data: QUESTIONS.map(({ answer }) => answer) },
  ];
  const file = write("nested.parquet", new Uint8Array(parquetWriteBuffer({ columnData, schema })));
  const source = (await open({ file, messages: "messages" })).source();
  expect(await source.task(0)).toMatchObject({ messages: QUESTIONS[0]?.chat, answer: "42" });
});

const GOLDEN = join(import.meta.dirname, "../../../test/golden/parquet");

test.each(["zstd.parquet", "zstd-v2.parquet"])("%s of pyarrow is read", async (name) => {
  const file = join(GOLDEN, name);
  const environment = await open({ file, prompt: "question", grader: { type: "number" } });
  const source = environment.source();
  expect(source.size).toBe(300);
  const expected = { messages: [{ role: "user", content: "What is 299 + 64?" }] };
  expect(await source.task(299)).toMatchObject({ ...expected, answer: "299 + 64 is #### 363" });
  const chats = await open({ file, messages: "messages", answer: null });
  expect(await chats.source().task(299)).toMatchObject({
    ...expected,
    answer: "299 + 64 is #### 363",
  });
});

test("a damaged Parquet file of Zstandard is refused, or its damage is in other columns", async () => {
  const whole = readFileSync(join(GOLDEN, "zstd.parquet"));
  let numRefused = 0;
  for (let at = 40; at < whole.length; at += 193) {
    const changed = Buffer.from(whole);
    changed[at] = 255 - (changed[at] ?? 0);
    const file = write("damaged.parquet", changed);
    try {
      const environment = await open({ file, prompt: "question" });
      expect(environment.source().size).toBeGreaterThan(0);
    } catch (error) {
      expect(String(error)).toMatch(/InvalidArgumentError: tasks\.source\.\w+: .*damaged\.parquet/);
      numRefused++;
    }
  }
  expect(numRefused).toBeGreaterThan(10);
});

test.each(["SNAPPY", "ZSTD", "GZIP"] as const)(
  "pages of %s that are larger than the file says are refused before they are made",
  async (codec) => {
    const data = ["6?"];
    const columnData = [{ name: "prompt", data, type: "STRING" as const }];
    const as = (bytes: Uint8Array) => bytes;
    const compressors = codec === "SNAPPY" ? {} : { [codec]: as };
    const bytes = Buffer.from(parquetWriteBuffer({ columnData, codec, compressors }));
    // The header of the first page is at 4: its type, version 2, as a field of Thrift, then its size, here of one byte.
    expect([...bytes.subarray(4, 7), (bytes[7] ?? 0) & 0x80, bytes[8]]).toEqual([21, 6, 21, 0, 21]);
    const largest = [0xfe, 0xff, 0xff, 0xff, 0x0f];
    // The size of the column, before the offset of its page, grows by the four bytes.
    const sizeAt = bytes.lastIndexOf(Buffer.from([0x26, 8])) - 1;
    expect(bytes[sizeAt]).toBeLessThan(120);
    bytes[sizeAt] = (bytes[sizeAt] ?? 0) + 8;
    const [head, tail] = [bytes.subarray(0, 7), bytes.subarray(8)];
    const file = write("bomb.parquet", Buffer.concat([head, Buffer.from(largest), tail]));
    await expect(open({ file })).rejects.toThrow(
      /file: .*bomb\.parquet has pages of more than 1073741824 bytes without compression/,
    );
  },
);

test("the order differs in every pass, a split and excluded tasks are left out", async () => {
  const lines = Array.from({ length: 9 }, (_, i) => JSON.stringify({ prompt: `${i}?`, answer: i }));
  const file = write("nine.jsonl", lines.join("\n"));
  const environment = await open({ file, split: [1, 9] });
  const first = await environment.source().task(0);
  expect(first).toMatchObject({ id: "record-2", answer: "1" });
  const exclude = new Set([first.contentHash]);
  const source = environment.source({ orderSeed: 5, exclude });
  expect(source.size).toBe(7);
  const ids = async (from: number) =>
    Promise.all(Array.from({ length: 7 }, async (_, i) => (await source.task(from + i)).id));
  const [one, two] = [await ids(0), await ids(7)];
  expect(one).not.toEqual(two);
  expect([...one].sort()).toEqual([...two].sort());
  expect((await open({ file, split: [1, 8] })).digest).not.toBe(environment.digest);
});

test.each([
  ["exact", "  Mrs. White ", ["mrs.  white", "<think>no</think>MRS. WHITE", "White"], [1, 1, 0]],
  ["number", "#### 1,200", ["so 1200.0", "it is 3, then -1200", "none"], [1, 0, 0]],
  ["number", "-0.5", ["= -.5", "0.5"], [1, 0]],
  ["choice", "B", ["A or B? (B)", "**B**", "B, not A", "Because"], [1, 1, 0, 0]],
])("grader %s reads %j", async (type, answer, replies, rewards) => {
  const file = write("one.json", JSON.stringify([{ prompt: "Who?", answer }]));
  const environment = await open({ file, grader: { type } });
  const task = environment.readTask(taskToJson(await environment.source().task(0)));
  expect(await environment.goldReply?.(task)).toBe(answer);
  const grades = await environment.grade(task, [answer, ...replies]);
  expect(grades.map(({ reward }) => reward)).toEqual([1, ...rewards]);
  expect(environment.hasJudge).toBe(false);
});

test("a module may grade the replies, alone or group by group", async () => {
  const file = write("graded.json", JSON.stringify([{ prompt: "Who?", answer: "White" }]));
  const module = write(
    "grader.mjs",
    `export const createEnvironment = ({ prize }) => ({
      gradeGroup: ({ answer, messages }, replies) =>
        replies.map((reply) => ({ reward: reply === answer + messages.length ? prize : 0 })),
    });`,
  );
  const environment = await open({
    file,
    grader: { type: "module", module, options: { prize: 3 } },
  });
  const task = environment.readTask(taskToJson(await environment.source().task(0)));
  expect(await environment.grade(task, ["White1", "White"])).toMatchObject([
    { reward: 3 },
    { reward: 0 },
  ]);
  expect(environment.hasJudge).toBe(true);
});

describe("a file of questions is refused with field, file, place and remedy", () => {
  const GOOD = '{ "prompt": "Who?", "answer": "White" }';
  test.each([
    ["a.txt", GOOD, {}, /file: .*a\.txt must end in \.jsonl, /],
    ["a.jsonl", "", {}, /file: .*a\.jsonl holds no records/],
    ["a.jsonl", `${GOOD}\n{`, {}, /file: .*a\.jsonl, line 2: is not JSON/],
    ["a.jsonl", "3", {}, /file: .*, line 1: is no JSON object/],
    [
      "a.jsonl",
      GOOD,
      { prompt: "promt" },
      /prompt: .*, line 1: there is no column promt \(did you mean prompt\?\)/,
    ],
    [
      "a.csv",
      "question,answer\nWho?,White",
      {},
      /prompt: .*, line 2: there is no column prompt \(it has question, answer\)/,
    ],
    ["a.csv", "prompt,answer\nWho?,White,x", {}, /file: .*a\.csv is not CSV: .*line 2/],
    ["a.csv", "prompt,prompt\na,b", {}, /file: .*a\.csv has the column prompt twice/],
    ["a.csv", "prompt,answer\nWho?,", {}, /answer: .*, line 2: column answer is empty/],
    ["a.jsonl", '{ "prompt": ["Who?"], "answer": "a" }', {}, /prompt: .*column prompt is no text/],
    [
      "a.jsonl",
      '{ "chat": "Who?", "answer": "a" }',
      { messages: "chat" },
      /messages: .*, line 1: column chat is no list of messages/,
    ],
    [
      "a.jsonl",
      '{ "chat": [{ "role": "robot", "content": "Who?" }], "answer": "a" }',
      { messages: "chat" },
      /messages: .*, line 1: messages\[0\]\.role: must be one of system, user, assistant/,
    ],
    [
      "a.jsonl",
      '{ "chat": [{ "role": "user", "content": "Who?" }] }',
      { messages: "chat", answer: null },
      /messages: .*does not end with a message of the assistant/,
    ],
    [
      "a.jsonl",
      GOOD,
      { grader: { type: "number" } },
      /answer: .*, line 1: the answer has no number, which grader number needs/,
    ],
    ["a.jsonl", GOOD, { split: [0, 2] }, /split: ends at 2, but .*a\.jsonl has 1 records/],
    ["a.parquet", "PAR1, not really", {}, /file: .*a\.parquet is not Parquet, or is damaged: /],
    [
      "b.parquet",
      parquet(),
      { prompt: "questions" },
      /prompt: .*, row 1: there is no column questions \(did you mean question\?\)/,
    ],
    ["a.jsonl", Buffer.from("\ufeff{}", "utf16le"), {}, /file: .*is UTF-16.*; save it as UTF-8/],
  ])("%s: %j %j", async (name, content, more, message) => {
    await expect(open({ file: write(name, content), ...more })).rejects.toThrow(message);
  });

  test.each([
    [{ prompt: "a", messages: "b" }, "tasks.source.messages: excludes prompt"],
    [{ answer: null }, "tasks.source.answer: can be null only with messages"],
    [{ grader: { type: "exakt" } }, '"exakt" is not a choice (did you mean exact?)'],
  ])("%j is refused by field", async (more, message) => {
    await expect(open({ file: "a.csv", ...more })).rejects.toThrow(message);
  });
});
