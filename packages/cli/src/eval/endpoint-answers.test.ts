import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";

import type { Clock } from "@gumshoe/core";
import { afterEach, beforeEach, expect, test } from "vitest";

import { EndpointAnswers, type EndpointOptions } from "./endpoint-answers.js";
import { endpointUrl } from "./endpoint-url.js";
import { recordTasks } from "./evaluated-tasks.js";
import { evaluate, type EvaluationOptions } from "./evaluate.js";

type Body = Record<string, unknown>;
type Handle = (body: Body, response: ServerResponse, request: IncomingMessage) => void;

/** A clock that advances only by sleeping. */
class WaitingClock implements Clock {
  nowMs = 0;
  readonly waitsMs: number[] = [];
  now = () => 1_000_000 + this.nowMs;
  monotonicMs = () => this.nowMs;
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.waitsMs.push(ms);
    const untilMs = this.nowMs + ms;
    await new Promise((resolve) => setTimeout(resolve, 1));
    signal?.throwIfAborted();
    this.nowMs = Math.max(this.nowMs, untilMs);
  }
}

let clock: WaitingClock;
let notices: string[];
const servers: Server[] = [];
const sources: EndpointAnswers[] = [];
beforeEach(() => {
  clock = new WaitingClock();
  notices = [];
});
afterEach(() => {
  for (const source of sources.splice(0)) source.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Serves chat completions on a free port; returns the base URL. */
async function serve(handle: Handle): Promise<string> {
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (data: Buffer) => (text += data.toString()));
    request.on("end", () => handle(JSON.parse(text) as Body, response, request));
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/v1`;
}

function send(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, headers);
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

function complete(response: ServerResponse, content: string, finish = "stop"): void {
  const choices = [{ message: { content }, finish_reason: finish }];
  send(response, 200, { choices, usage: { prompt_tokens: 10, completion_tokens: 4 } });
}

function source(url: string, changes: Partial<EndpointOptions> = {}): EndpointAnswers {
  const made = new EndpointAnswers({
    endpoint: endpointUrl(url),
    model: "small",
    apiKey: "key-8f2a",
    concurrency: 4,
    timeoutMs: 20_000,
    maxWaitMs: 600_000,
    fields: { limitField: "max_tokens", omitted: [], extra: {} },
    env: {},
    clock,
    random: () => 0,
    onNotice: (line) => notices.push(line),
    ...changes,
  });
  sources.push(made);
  return made;
}

const CASES = ["Mrs. White", "Mr. Green", "Miss Scarlet"].map((answer, i) => ({
  num_clues: 1,
  prompt: `case ${i}`,
  solution: { A: answer },
}));
const OPTIONS: EvaluationOptions = {
  sampling: { samples: 2, temperature: 0.5, maxAnswerTokens: 9, seed: 100, limits: {} },
  price: { prompt: 1, answer: 10 },
  nowMs: () => 0,
  signal: new AbortController().signal,
  onProgress: () => undefined,
  kept: null,
};
const ONE = { ...OPTIONS, sampling: { ...OPTIONS.sampling, samples: 1 } };

const GRADED = { grader: "fixed", digest: "" } as const;
const tasks = (cases: typeof CASES) => recordTasks("cases.json", cases, GRADED);
const promptOf = (body: Body) => (body["messages"] as { content: string }[])[0]?.content;

test("every case is requested the given number of times, scored, counted and charged", async () => {
  const asked: Body[] = [];
  const url = await serve((body, response, request) => {
    expect(request.headers.authorization).toBe("Bearer Mrs");
    expect(request.url).toBe("/v1/chat/completions");
    asked.push(body);
    complete(response, "A. Mrs. White", asked.length === 1 ? "length" : "stop");
  });
  const { evaluation: found, endedBy } = await evaluate(
    tasks(CASES),
    source(url, { apiKey: "Mrs" }),
    OPTIONS,
  );
  expect(found).toMatchObject({ cases: 3, answers: 6, failures: 0, truncated: 1, partial: false });
  expect(found.accuracy?.mean).toBeCloseTo(1 / 3);
  const { promptTokens, answerTokens, cost } = found;
  expect([promptTokens, answerTokens, cost, endedBy]).toEqual([60, 24, 0.0003, null]);
  expect(asked[0]).toMatchObject({ model: "small", temperature: 0.5, max_tokens: 9 });
  expect(new Set(asked.map(({ seed }) => seed)).size).toBe(6);
});

test("a rejected request is not counted as a wrong answer", async () => {
  const url = await serve((body, response) => {
    if (promptOf(body) === "case 1") send(response, 400, "too long");
    else complete(response, "A. Mrs. White");
  });
  const { evaluation: found } = await evaluate(tasks(CASES), source(url), OPTIONS);
  expect(found).toMatchObject({ answers: 4, failures: 2, partial: false });
  expect(found.failureExample).toContain("400 too long");
  expect(found.accuracy).toMatchObject({ mean: 0.5, count: 2 });
});

test("answers truncated during their reasoning are wrong, and charged", async () => {
  let numAsked = 0;
  const url = await serve((_body, response) => {
    if (++numAsked > 1) return complete(response, "A. Mrs. White");
    const message = { content: null, reasoning_content: "The first clue" };
    const usage = { prompt_tokens: 10, completion_tokens: 9 };
    send(response, 200, { choices: [{ message, finish_reason: "length" }], usage });
  });
  const { evaluation: found } = await evaluate(tasks(CASES.slice(0, 1)), source(url), OPTIONS);
  expect(found).toMatchObject({
    answers: 2,
    failures: 0,
    truncated: 1,
    empty: 1,
    answerTokens: 13,
  });
  expect(found.accuracy?.mean).toBe(0.5);
});

test("without token counts there is no cost", async () => {
  const url = await serve((_body, response) => {
    send(response, 200, { choices: [{ message: { content: "A. Mrs. White" } }] });
  });
  const { evaluation: found } = await evaluate(tasks(CASES), source(url), OPTIONS);
  expect(found).toMatchObject({ answers: 6, cost: null, repliesWithoutCounts: 6, answerTokens: 0 });
});

test.each([
  ["seconds", () => ({ "retry-after": "15" }), 15_000],
  ["a date", () => ({ "retry-after": new Date(clock.now() + 42_000).toUTCString() }), 42_000],
  ["a duration", () => ({ "retry-after": "1m15s" }), 75_000],
  ["milliseconds", () => ({ "retry-after-ms": "2500", "retry-after": "9" }), 2500],
  [
    "a reset",
    () => ({ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2s" }),
    62_000,
  ],
])("a busy endpoint is asked again after the wait in %s", async (_, headers, ms) => {
  let freeAtMs = 0;
  const early: number[] = [];
  const url = await serve((_body, response) => {
    if (freeAtMs === 0) {
      freeAtMs = clock.nowMs + ms - 1000;
      send(response, 429, "slow down", headers());
    } else {
      if (clock.nowMs < freeAtMs) early.push(clock.nowMs);
      complete(response, "A. Mrs. White");
    }
  });
  // One request at a time: the first rejection delays all later ones.
  const one = source(url, { concurrency: 1 });
  const { evaluation: found } = await evaluate(tasks(CASES), one, OPTIONS);
  expect(found).toMatchObject({ answers: 6, failures: 0 });
  expect(early).toEqual([]);
});

test("a longer wait than allowed ends the evaluation, and keeps the answers so far", async () => {
  let numAsked = 0;
  const url = await serve((_body, response) => {
    if (++numAsked <= 2) complete(response, "A. Mrs. White");
    else send(response, 503, "come tomorrow", { "retry-after": "86400" });
  });
  const one = source(url, { concurrency: 1 });
  const { evaluation: found, endedBy } = await evaluate(tasks(CASES), one, OPTIONS);
  expect(found).toMatchObject({ answers: 2, wanted: 6, partial: true });
  expect(String(endedBy)).toContain("503 come tomorrow");
  expect(String(endedBy)).toContain("86400 s more; --max-wait is 600 s");
  expect(numAsked).toBe(3);
});

const BROKEN: [string, (response: ServerResponse) => void][] = [
  ["500", (response) => send(response, 500, "oops")],
  ["502 of a gateway", (response) => send(response, 502, "<html>bad gateway</html>")],
  ["429 without a time", (response) => send(response, 429, "slow down")],
  ["a lost connection", (response) => response.destroy()],
  ["a reply that is cut", (response) => send(response, 200, '{"choices": [{"mess')],
  ["an empty reply", (response) => send(response, 200, "")],
  ["a reply that is not UTF-8", (response) => response.end(Buffer.from([0x22, 0xff, 0x22]))],
  ["an error in a 200", (response) => send(response, 200, { error: { message: "overloaded" } })],
  [
    "a status in a 200",
    (response) => send(response, 200, { error: { message: "no upstream", code: 502 } }),
  ],
  [
    "an error in a choice",
    (response) => send(response, 200, { choices: [{ finish_reason: "error", message: {} }] }),
  ],
];

test.each(BROKEN)("%s is retried, and not counted as a wrong answer", async (_, fail) => {
  let numAsked = 0;
  const url = await serve((_body, response) => {
    if (++numAsked <= 2) fail(response);
    else complete(response, "A. Mrs. White");
  });
  const { evaluation: found, endedBy } = await evaluate(tasks(CASES), source(url), OPTIONS);
  expect(endedBy).toBeNull();
  expect(found).toMatchObject({ answers: 6, failures: 0 });
  expect(clock.waitsMs.length).toBeGreaterThan(0);
});

test("a slow reply is requested again, then dropped with its cause", async () => {
  const url = await serve((body, response) => {
    if (promptOf(body) !== "case 1") complete(response, "A. Mrs. White");
  });
  const hasty = source(url, { timeoutMs: 100 });
  const { evaluation: found } = await evaluate(tasks(CASES), hasty, ONE);
  expect(found).toMatchObject({ answers: 2, failures: 1 });
  expect(found.failureExample).toContain("sent no whole reply within 0.1 s (tried 2 times");
});

test.each([
  [401, { error: { message: "key-8f2a is wrong" } }, "the key is refused: 401"],
  [403, "no", "access is denied: 403 no"],
  [402, "pay", "the account must be paid: 402 pay"],
  [404, { error: { message: "no model small" } }, "no such model or address: 404"],
  [429, { error: { code: "insufficient_quota" } }, "the account must be paid: 429"],
  [308, "", "308: redirects to https://else.where/v1; name that as --endpoint"],
  [200, { error: { message: "bad key", code: 401 } }, "the key is refused: 401"],
])("status %i ends the evaluation with its first request", async (status, body, said) => {
  let numAsked = 0;
  const url = await serve((_body, response) => {
    numAsked++;
    send(response, status, body, { location: "https://else.where/v1" });
  });
  const one = source(url, { concurrency: 1 });
  const { evaluation: found, endedBy } = await evaluate(tasks(CASES), one, OPTIONS);
  expect(String(endedBy)).toContain(said);
  expect(String(endedBy)).not.toContain("key-8f2a");
  expect(found).toMatchObject({ answers: 0, accuracy: null, allCorrect: null });
  expect(numAsked).toBe(1);
});

test.each([
  ["HTML", 200, "<html>Welcome</html>", "sent HTML instead of a completion"],
  ["no choices", 200, { choices: [] }, "sent no choices"],
  ["a wrong request", 400, "bad", "400 bad"],
])("%s is not scored, with its cause", async (_, status, body, said) => {
  const url = await serve((_body, response) => send(response, status, body));
  const { evaluation: found } = await evaluate(tasks(CASES), source(url), OPTIONS);
  expect(found).toMatchObject({ answers: 0, failures: 6, accuracy: null, partial: false });
  expect(found.notScored).toMatchObject([{ count: 6 }]);
  expect(found.failureExample).toContain(said);
});

test.each([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
  ["utf-8", (text: string) => Buffer.from(text)],
])("a reply whose content-encoding is %s is decoded", async (encoding, compress) => {
  const completion = JSON.stringify({ choices: [{ message: { content: "A. Mrs. White" } }] });
  const url = await serve((_body, response, request) => {
    expect(request.headers["accept-encoding"]).toBe("gzip, deflate, br");
    response.writeHead(200, { "content-encoding": encoding }).end(compress(completion));
  });
  const { evaluation: found } = await evaluate(tasks(CASES), source(url), ONE);
  expect(found).toMatchObject({ answers: 3, failures: 0 });
});

test("a reply that cannot be decompressed is not scored; control characters are removed from messages", async () => {
  const encoded = (encoding: string, bytes: Uint8Array) => (response: ServerResponse) =>
    response.writeHead(200, { "content-encoding": encoding }).end(bytes);
  const answers = [
    encoded("zstd", Buffer.from("x")),
    (response: ServerResponse) => send(response, 400, "\u001b[2Jbad\u0007\u009b1m"),
    // 100 MB of spaces.
    encoded("gzip", gzipSync(Buffer.alloc(100_000_000, " "))),
  ];
  const url = await serve((body, response) =>
    answers[Number(promptOf(body)?.replace("case ", ""))]?.(response),
  );
  const { evaluation: found } = await evaluate(tasks(CASES), source(url), ONE);
  const reasons = found.notScored.map(({ reason }) => reason.replace(/^\S+: /, ""));
  expect(reasons.sort()).toEqual([
    "400 [2Jbad 1m",
    "sent a reply compressed as gzip that is more than 67108864 bytes",
    "sent a reply compressed as zstd, not asked for",
  ]);
});

test("an endpoint that rejects every request is not sent all cases", async () => {
  let numAsked = 0;
  const url = await serve((_body, response) => {
    numAsked++;
    send(response, 400, "bad");
  });
  const many = Array.from({ length: 200 }, (_, i) => ({ ...CASES[0]!, prompt: `case ${i}` }));
  const { endedBy } = await evaluate(tasks(many), source(url), OPTIONS);
  expect(String(endedBy)).toContain("the first 16 requests failed");
  expect(numAsked).toBeLessThan(25);
});

test("an unreachable endpoint ends the evaluation with its address", async () => {
  const { evaluation, endedBy } = await evaluate(
    tasks(CASES),
    source("http://127.0.0.1:1/v1"),
    OPTIONS,
  );
  expect(evaluation).toMatchObject({ answers: 0, accuracy: null, partial: true });
  expect(String(endedBy)).toContain("http://127.0.0.1:1/v1/chat/completions: cannot be reached");
  expect(String(endedBy)).toContain("tried 6 times");
});

test("a rejected field is changed or omitted from then on, and reported once", async () => {
  const bodies: Body[] = [];
  const refuse = (response: ServerResponse, param: string, message: string) =>
    send(response, 400, { error: { code: "unsupported_parameter", param, message } });
  const url = await serve((body, response) => {
    bodies.push(body);
    if ("max_tokens" in body) refuse(response, "max_tokens", "give max_completion_tokens");
    else if ("temperature" in body) refuse(response, "temperature", "only the default (1)");
    else complete(response, "A. Mrs. White");
  });
  const one = source(url, { concurrency: 1 });
  const { evaluation: found } = await evaluate(tasks(CASES), one, OPTIONS);
  expect(found).toMatchObject({ answers: 6, failures: 0 });
  expect(bodies).toHaveLength(8);
  for (const body of bodies.slice(2)) {
    expect(body).toMatchObject({ max_completion_tokens: 9 });
    expect(Object.keys(body).sort()).toEqual([
      "max_completion_tokens",
      "messages",
      "model",
      "seed",
    ]);
  }
  expect(notices).toEqual([
    "the endpoint refuses max_tokens; sending max_completion_tokens instead",
    "the endpoint refuses temperature; leaving it out, its own default applies",
  ]);
});

test("a failure to store replies ends the evaluation before more are charged", async () => {
  let numAsked = 0;
  const url = await serve((_body, response) => {
    numAsked++;
    complete(response, "A. Mrs. White");
  });
  const kept = { answers: [], keep: () => Promise.reject(new Error("the disk is full")) };
  const { endedBy } = await evaluate(tasks(CASES), source(url), { ...OPTIONS, kept });
  expect(String(endedBy)).toContain("the disk is full");
  expect(numAsked).toBeLessThanOrEqual(4);
});

test("existing answers are not requested again", async () => {
  const asked: unknown[] = [];
  const url = await serve((body, response) => {
    asked.push([promptOf(body), body["seed"]]);
    complete(response, "A. Mrs. White");
  });
  const outcome = { type: "answer", reply: "A. Mr. Green", finish: "stop" } as const;
  const answers = [0, 1].map((sample) => ({ index: 1, sample, outcome, tokens: null }));
  const kept = { answers, keep: () => Promise.resolve() };
  const { evaluation: found } = await evaluate(tasks(CASES), source(url), { ...OPTIONS, kept });
  expect(asked.sort().join(" ")).toBe("case 0,100 case 0,101 case 2,104 case 2,105");
  expect(found).toMatchObject({ answers: 6, partial: false });
  expect(found.accuracy?.mean).toBeCloseTo(2 / 3);
});
