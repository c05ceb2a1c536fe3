import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";

import { systemClock } from "@gumshoe/core";

import { EndpointAnswers } from "./endpoint-answers.js";
import { evaluate } from "./evaluate.js";

let server: Server | null = null;
afterEach(() => server?.close());

/** Serves chat completions on a free port; returns the base URL. */
async function serve(
  handle: (
    body: Record<string, unknown>,
    response: ServerResponse,
    request: IncomingMessage,
  ) => void,
): Promise<string> {
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (data: Buffer) => (text += data.toString()));
    request.on("end", () => handle(JSON.parse(text) as Record<string, unknown>, response, request));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/v1`;
}

function complete(response: ServerResponse, content: string, finish = "stop"): void {
  const choices = [{ message: { content }, finish_reason: finish }];
  const usage = { prompt_tokens: 10, completion_tokens: 4 };
  response.end(JSON.stringify({ choices, usage }));
}

function endpoint(url: string) {
  return new EndpointAnswers({
    url,
    model: "small",
    apiKey: "key",
    concurrency: 4,
    clock: { ...systemClock, sleep: () => Promise.resolve() },
  });
}

const CASES = ["Mrs. White", "Mr. Green", "Miss Scarlet"].map((answer, i) => ({
  num_clues: 1,
  prompt: `case ${i}`,
  solution: { A: answer },
}));
const OPTIONS = {
  sampling: { samples: 2, temperature: 0.5, maxAnswerTokens: 9, seed: 100 },
  grader: "fixed" as const,
  price: { prompt: 1, answer: 10 },
  nowMs: () => 0,
  signal: new AbortController().signal,
  onProgress: () => undefined,
};

test("every case is asked as often as wanted, scored, counted and paid for", async () => {
  const asked: Record<string, unknown>[] = [];
  const url = await serve((body, response, request) => {
    expect(request.headers.authorization).toBe("Bearer key");
    expect(request.url).toBe("/v1/chat/completions");
    asked.push(body);
    complete(response, "A. Mrs. White", asked.length === 1 ? "length" : "stop");
  });
  const found = await evaluate(CASES, endpoint(url), OPTIONS);
  expect(found).toMatchObject({ cases: 3, answers: 6, failures: 0, truncated: 1 });
  expect(found.accuracy?.mean).toBeCloseTo(1 / 3);
  expect([found.promptTokens, found.answerTokens, found.cost]).toEqual([60, 24, 0.0003]);
  expect(asked[0]).toMatchObject({ model: "small", temperature: 0.5, max_tokens: 9 });
  expect(new Set(asked.map(({ seed }) => seed)).size).toBe(6);
});

test("an endpoint that is busy is asked again; one that refuses is no wrong answer", async () => {
  let numAsked = 0;
  const url = await serve((body, response) => {
    const [message] = body["messages"] as { content: string }[];
    numAsked++;
    if (message?.content === "case 1") {
      response.statusCode = 400;
      response.end("too long");
    } else if (numAsked === 1) {
      response.statusCode = 503;
      response.end("busy");
    } else complete(response, "A. Mrs. White");
  });
  const found = await evaluate(CASES, endpoint(url), OPTIONS);
  expect(found).toMatchObject({ answers: 4, failures: 2 });
  expect(found.failureExample).toContain("400 too long");
  expect(found.accuracy).toMatchObject({ mean: 0.5, count: 2 });
});

test("an endpoint that nobody serves is told as a failure with its address", async () => {
  const found = await evaluate(CASES.slice(0, 1), endpoint("http://127.0.0.1:1/v1"), OPTIONS);
  expect(found).toMatchObject({ answers: 0, failures: 2, accuracy: null });
  expect(found.failureExample).toContain(
    "http://127.0.0.1:1/v1/chat/completions: cannot be reached",
  );
});
