/**
 * The command as a process: its output, its replies file, its exit code, and resuming after a kill.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, beforeEach, expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("../../bin/gumshoe.js", import.meta.url));
const MODEL = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));

let folder: string;
let server: Server;
let url: string;
/** Prompts in order of arrival. */
let asked: string[];
/** The last request. */
let request: Record<string, unknown>;
let answer: (response: ServerResponse, prompt: string) => void;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "eval-"));
  const cases = Array.from({ length: 6 }, (_, i) => ({
    num_clues: 1,
    prompt: `case ${i}`,
    solution: { A: "Mr. Green" },
  }));
  writeFileSync(join(folder, "cases.json"), JSON.stringify(cases));
  asked = [];
  answer = (response) => complete(response, "A. Mr. Green");
  server = createServer((incoming, response) => {
    let text = "";
    incoming.on("data", (data: Buffer) => (text += data.toString()));
    incoming.on("end", () => {
      request = JSON.parse(text) as Record<string, unknown>;
      const { messages } = request as { messages: { content: string }[] };
      const prompt = messages[0]?.content ?? "";
      asked.push(prompt);
      answer(response, prompt);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/v1`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function complete(response: ServerResponse, content: string): void {
  const choices = [{ message: { content }, finish_reason: "stop" }];
  response.end(JSON.stringify({ choices, usage: { prompt_tokens: 10, completion_tokens: 4 } }));
}

/** Answers four requests and lets the others hang; resolves when two hang. */
function hangAfterFour(): Promise<void> {
  return new Promise((resolve) => {
    answer = (response) => {
      if (asked.length <= 4) complete(response, "A. Mr. Green");
      else if (asked.length === 6) resolve();
    };
  });
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; out: string; err: string }>;
}

function evaluate(...words: string[]): Running {
  const data = words.includes("--tasks") ? [] : ["--data", "cases.json"];
  const common = [...data, "--concurrency", "2"];
  const endpoint = words.includes("--endpoint") ? [] : ["--endpoint", url];
  const child = spawn(process.execPath, [PROGRAM, "eval", ...common, ...endpoint, ...words], {
    cwd: folder,
    env: { PATH: process.env["PATH"], OPENAI_API_KEY: "key-8f2a" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (data: Buffer) => (out += data.toString()));
  child.stderr.on("data", (data: Buffer) => (err += data.toString()));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, out, err }));
  return { child, ended };
}

test("an interrupted evaluation reports which part was done, and resumes there", async () => {
  const hanging = hangAfterFour();
  const stopped = evaluate();
  await hanging;
  stopped.child.kill("SIGINT");
  const first = await stopped.ended;
  expect(first.code).toBe(1);
  expect(first.err).toContain("stopped on request");
  expect(first.out).toContain("accuracy     1.000 (95 %: 0.510 to 1.000), 4 cases");
  expect(first.out).toContain("part         4 of 6 answers (stopped on request)");
  const [, file = ""] = /to continue {2}npx gumshoe eval .* --replies (\S+)/.exec(first.out) ?? [];
  expect(existsSync(join(folder, file))).toBe(true);

  asked = [];
  answer = (response) => complete(response, "A. Mr. Plum");
  const second = await evaluate("--replies", file, "--json").ended;
  expect(second.code).toBe(0);
  expect(asked.sort()).toEqual(["case 4", "case 5"]);
  const found = JSON.parse(second.out) as Record<string, unknown>;
  expect(found).toMatchObject({ answers: 6, wanted: 6, partial: false, endedBy: null });
  expect(found["accuracy"]).toMatchObject({ mean: 4 / 6, count: 6 });
  expect(found).toMatchObject({ promptTokens: 60, answerTokens: 24 });

  asked = [];
  expect((await evaluate("--replies", file).ended).code).toBe(0);
  expect(asked).toEqual([]);
  const other = await evaluate("--replies", file, "--temperature", "0.5").ended;
  expect(other.code).toBe(2);
  expect(other.err).toContain("temperature is 1 there, 0.5 here");
}, 60_000);

test("kill -9 loses no received reply", async () => {
  const hanging = hangAfterFour();
  const killed = evaluate("--replies", "kept.jsonl");
  await hanging;
  killed.child.kill("SIGKILL");
  await killed.ended;
  asked = [];
  answer = (response) => complete(response, "A. Mr. Green");
  const { code, out } = await evaluate("--replies", "kept.jsonl").ended;
  expect(code).toBe(0);
  expect(out).toContain("6 cases; everything right in 1.000");
  expect(asked.length).toBeLessThanOrEqual(2);
}, 60_000);

test("replies are kept by default, and can be graded on their own", async () => {
  expect((await evaluate().ended).code).toBe(0);
  const [file = ""] = readdirSync(join(folder, ".gumshoe/evals"));
  const path = join(folder, ".gumshoe/evals", file);
  expect(readFileSync(path, "utf8").trim().split("\n")).toHaveLength(7);
  expect(readFileSync(path, "utf8")).not.toContain("key-8f2a");
  const words = [PROGRAM, "puzzle", "grade", "cases.json", path];
  const grading = spawn(process.execPath, words, {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"],
  });
  let out = "";
  grading.stdout.on("data", (data: Buffer) => (out += data.toString()));
  await once(grading, "close");
  expect(out).toContain("1.0000 (95 %: 0.610 to 1.000), 6 replies to 6 cases");
}, 60_000);

test("a rejected API key ends the command at once, with the reason and exit code 1", async () => {
  answer = (response) => {
    response.statusCode = 401;
    response.end("key-8f2a is not known");
  };
  const { code, out, err } = await evaluate().ended;
  expect(code).toBe(1);
  expect(out).toBe("");
  expect(err).toContain("the key is refused: 401 *** is not known");
  expect(asked.length).toBeLessThanOrEqual(2);
  expect(readdirSync(join(folder, ".gumshoe/evals"))).toEqual([]);
}, 60_000);

test("an evaluation without a scored answer exits with code 1, the first reason and no mean", async () => {
  answer = (response) => {
    response.statusCode = 400;
    response.end("too long");
  };
  const { code, out, err } = await evaluate("--json").ended;
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ accuracy: null, allCorrect: null, failures: 6 });
  expect(err).toContain("nothing could be scored: ");
  expect(err).toContain("400 too long");
}, 60_000);

test("the tasks of a run config are answered with its sampling, where no option says otherwise", async () => {
  const config = `
type: grpo
model: ${MODEL}
tasks: { source: { type: dataset, file: cases.json, split: [0, 3] } }
validation: { source: { type: dataset, file: cases.json, split: [3, 6] }, count: 3 }
rollouts: { temperature: 0.7, topP: 0.9, maxAnswerTokens: 33, minAnswerTokens: 2, stop: [END] }
`;
  writeFileSync(join(folder, "run.yaml"), config);
  const given = ["--tasks", "run.yaml", "--limit", "1", "--endpoint-model", "m"];
  expect(await evaluate(...given).ended).toMatchObject({ code: 0 });
  expect(request).toMatchObject({ temperature: 0.7, top_p: 0.9, stop: ["END"], min_tokens: 2 });
  expect(Object.values(request)).toContain(33);

  await evaluate(...given, "--temperature", "0.5", "--max-tokens", "20").ended;
  expect(request).toMatchObject({ temperature: 0.5, top_p: 0.9 });
  expect(Object.values(request)).toContain(20);
}, 60_000);

test("an endpoint is sent each budget of thinking in the field that is named, and in no other", async () => {
  const sent: unknown[] = [];
  answer = (response) => {
    sent.push(request["reasoning"]);
    complete(response, sent.length === 1 ? "A. Mr. Plum" : "A. Mr. Green");
  };
  const words = ["--thinking-budget", "200,50", "--limit", "1"];
  const missing = await evaluate(...words).ended;
  expect(missing.code).toBe(2);
  expect(missing.err).toContain("--thinking-field: is missing: only the endpoint can end");
  const { code, out } = await evaluate(...words, "--thinking-field", "reasoning.max_tokens").ended;
  expect(code).toBe(0);
  expect(sent).toEqual([{ max_tokens: 50 }, { max_tokens: 200 }]);
  const rows = out.split("\n").map((line) => line.trim().split(/ {2,}/).slice(0, 2));
  expect(rows.slice(0, 3)).toEqual([
    ["budget", "accuracy"],
    ["50", "0.000"],
    ["200", "1.000"],
  ]);
}, 60_000);
