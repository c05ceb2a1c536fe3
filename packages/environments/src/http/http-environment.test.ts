import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import { parseRunConfig } from "@gumshoe/config";
import { taskToJson } from "@gumshoe/puzzles";
import { afterAll, afterEach, describe, expect, test } from "vitest";

import { openEnvironment, type RunEnvironment } from "../../dist/index.js";

const EXAMPLE = fileURLToPath(
  new URL("../../../../examples/http-grader/server.py", import.meta.url),
);
const PYTHON = spawnSync("python3", ["--version"]).status === 0 ? "python3" : null;
if (PYTHON === null) console.warn("skipped: examples/http-grader; there is no python3");

type Call = Record<string, unknown>;
type Handler = (call: Call, response: ServerResponse, request: IncomingMessage) => unknown;

const servers: Server[] = [];
const opened: RunEnvironment[] = [];
afterEach(() => Promise.all(opened.splice(0).map((environment) => environment.close())));
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

const GOOD: Readonly<Record<string, Handler>> = {
  "/version": () => ({ version: "1" }),
  "/task": ({ seed, index, attempt }) => ({
    messages: [{ role: "user", content: `Task ${index as number}.${attempt as number}` }],
    answer: { seed },
  }),
  "/grade": ({ replies }) => ({
    grades: (replies as string[]).map((reply) => ({ reward: reply.length, metrics: { a: 1 } })),
  }),
};

/** Starts a server; a handler that returns undefined answers by itself. Returns its URL. */
async function serve(routes: Readonly<Record<string, Handler>>): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const call = JSON.parse(Buffer.concat(chunks).toString()) as Call;
      const handler = { ...GOOD, ...routes }[request.url ?? ""];
      const answer = handler?.(call, response, request);
      if (answer !== undefined) response.end(JSON.stringify(answer));
    });
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function open(url: string, more: Call = {}, tasks: Call = {}): Promise<RunEnvironment> {
  const source = { type: "http", url, ...more };
  const config = { name: "a", type: "grpo", model: "m", tasks: { source, ...tasks } };
  const environment = await openEnvironment(parseRunConfig(JSON.stringify(config)), "train");
  opened.push(environment);
  return environment;
}

test.skipIf(PYTHON === null)("the example in Python makes tasks and gives rewards", async () => {
  const url = await serve({});
  const { port } = new URL(url);
  const child = spawn(PYTHON ?? "", [EXAMPLE, String(Number(port) + 1)], { stdio: "ignore" });
  try {
    const weights = { correct: 1, short: 0.1 };
    const place = `http://127.0.0.1:${Number(port) + 1}`;
    const environment = await open(place, { seed: 3 }, { rewards: { weights } });
    const task = environment.readTask(taskToJson(await environment.source().task(4)));
    const { answer } = task as typeof task & { answer: number };
    const [right, wrong] = await environment.grade(task, [String(answer), "no idea"]);
    expect(right).toMatchObject({ rewards: { correct: 1 } });
    expect(wrong).toMatchObject({ reward: 0.0125, rewards: { correct: 0, short: 0.125 } });
    const exclude = new Set([task.contentHash]);
    const other = await environment.source({ exclude }).task(4);
    expect(other.contentHash).not.toBe(task.contentHash);
  } finally {
    child.kill();
  }
});

test("a call has the seed and the options, and the bearer token of a variable", async () => {
  const seen: unknown[] = [];
  const url = await serve({
    "/task": (call, response, request) => {
      seen.push([call, request.headers.authorization]);
      return GOOD["/task"]?.(call, response, request);
    },
  });
  process.env["GUMSHOE_SOURCE_TOKEN_TEST"] = "secret";
  try {
    const options = { level: 2 };
    const more = { seed: 7, options, tokenVariable: "GUMSHOE_SOURCE_TOKEN_TEST" };
    const environment = await open(`${url}/`, more);
    const task = await environment.source().task(0);
    expect(task).toMatchObject({ id: "http-7-0", answer: { seed: 7 } });
    expect(seen[0]).toEqual([{ seed: 7, index: 0, attempt: 0, options }, "Bearer secret"]);
    expect(environment.hasJudge).toBe(true);
    expect(await environment.grade(task, ["abc", ""])).toMatchObject([
      { reward: 3, metrics: { a: 1 } },
      { reward: 0 },
    ]);
  } finally {
    delete process.env["GUMSHOE_SOURCE_TOKEN_TEST"];
  }
  await expect(open(url, { tokenVariable: "GUMSHOE_SOURCE_TOKEN_TEST" })).rejects.toThrow(
    "tasks.source.tokenVariable: GUMSHOE_SOURCE_TOKEN_TEST is not set here",
  );
});

test("the digest follows the version that the server states", async () => {
  let version = "1";
  const url = await serve({ "/version": () => ({ version }) });
  const first = (await open(url)).digest;
  expect((await open(url)).digest).toBe(first);
  version = "2";
  expect((await open(url)).digest).not.toBe(first);
});

test("a fault of the server is tried again, until it answers", async () => {
  let numCalls = 0;
  const url = await serve({
    "/grade": (call, response, request) => {
      numCalls += 1;
      if (numCalls === 3) return GOOD["/grade"]?.(call, response, request);
      if (numCalls === 1) response.socket?.destroy();
      else response.writeHead(503).end("starting");
      return undefined;
    },
  });
  const environment = await open(url);
  const task = await environment.source().task(0);
  expect(await environment.grade(task, ["ab"])).toMatchObject([{ reward: 2 }]);
  expect(numCalls).toBe(3);
});

describe("a server is refused by field when", () => {
  test.each<[string, Readonly<Record<string, Handler>>, string | RegExp]>([
    [
      "it states no version",
      { "/version": () => ({}) },
      "/version must answer { version }, a text",
    ],
    ["it has no messages", { "/task": () => ({}) }, "/task answers no task 0: messages: must be"],
    [
      "task 0 differs the second time",
      { "/task": () => ({ messages: [{ role: "user", content: String(Math.random()) }] }) },
      "task 0 was different when it was asked for again",
    ],
    [
      "it redirects",
      {
        "/version": (_call, response) =>
          void response.writeHead(307, { location: "http://169.254.169.254/" }).end(),
      },
      /version redirects \(307\), which is not followed/,
    ],
    [
      "it refuses the call",
      { "/version": (_call, response) => void response.writeHead(401).end("who are you?") },
      "/version answers 401: who are you?",
    ],
    [
      "it answers no JSON",
      { "/version": (_call, response) => void response.end("<html>") },
      "/version does not answer JSON: <html>",
    ],
    [
      "it answers too much",
      { "/version": (_call, response) => void response.end("x".repeat(8_000_001)) },
      "/version answers more than 8000000 bytes",
    ],
  ])("%s", async (_what, routes, message) => {
    const opening = open(await serve(routes));
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      field: "tasks.source.url",
    });
  });

  test("it does not answer in time, which is worth another try later", async () => {
    const url = await serve({ "/version": () => undefined });
    await expect(open(url, { seconds: 0.1 })).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining("/version gave no response within 0.1 s") as string,
    });
  });

  test("nothing listens at its address", async () => {
    const url = await serve({});
    const gone = servers.pop();
    gone?.close();
    await expect(open(url)).rejects.toThrow(
      /^tasks\.source\.url: http:\/\/127\.0\.0\.1:\d+\/version cannot be reached: .*ECONNREFUSED/,
    );
  });
});

test.each([
  [{ grades: [{ reward: 1 }] }, "it must return a list of 2 grades, one for each reply"],
  [{ grades: [{ reward: 1 }, { reward: "1" }] }, "reward must be a finite number"],
  [{}, "it must return a list of 2 grades"],
])("grades of the wrong form, %j, score nothing and say why", async (answer, message) => {
  const environment = await open(await serve({ "/grade": () => answer }));
  const grades = await environment.grade(await environment.source().task(0), ["a", "b"]);
  expect(grades.at(-1)).toMatchObject({
    reward: null,
    reason: expect.stringMatching(/^the server returned /) as string,
  });
  expect(JSON.stringify(grades.at(-1))).toContain(message);
});

test.each([
  ["ftp://a.b", "tasks.source.url: must be a URL of http or https"],
  ["http://me:secret@a.b", "tasks.source.url: must have no password"],
  ["http://a.b/?key=1", "tasks.source.url: must end with its path"],
])("the URL %s is refused", async (url, message) => {
  await expect(open(url)).rejects.toThrow(message);
});

test("another variable than one of sources is refused as a token", async () => {
  await expect(open("http://a.b", { tokenVariable: "GUMSHOE_TOKEN" })).rejects.toThrow(
    "tasks.source.tokenVariable: must begin with GUMSHOE_SOURCE_TOKEN",
  );
});
