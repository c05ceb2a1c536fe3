import { connect } from "node:net";

import { createLogger, systemClock } from "@gumshoe/core";
import { afterEach, expect, test } from "vitest";

import { HttpServer, type HttpServerOptions } from "./http-server.js";
import { Metrics } from "./metrics.js";
import { Sessions } from "./sessions.js";

const METRICS = new Metrics({ workers: () => [], runs: () => [] });

/** A server with the token t and without API and page. */
function makeServer(options: Partial<HttpServerOptions> = {}): HttpServer {
  return new HttpServer({
    token: "t",
    tls: null,
    pages: new Map(),
    logger: createLogger("test", "silent"),
    isServing: () => true,
    sessions: new Sessions({ token: "t", clock: systemClock, isSecure: false }),
    api: null,
    page: null,
    ...options,
  });
}

let server: HttpServer | null = null;
afterEach(() => server?.stop());

async function startServer(): Promise<string> {
  const pages = new Map([
    ["/metrics", { contentType: METRICS.contentType, text: () => METRICS.text() }],
  ]);
  server = makeServer({ pages });
  return `http://${await server.listen("127.0.0.1:0")}`;
}

const withToken = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

test("metrics are served to callers with the token, in Prometheus's format", async () => {
  const url = await startServer();
  const response = await fetch(`${url}/metrics?x=1`, withToken("t"));
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
  expect(await response.text()).toContain("# TYPE gumshoe_workers gauge\n");
});

test("a page whose rendering fails is answered with an error, and the next request is served", async () => {
  const text = () => Promise.reject(new Error("no figures"));
  const pages = new Map([["/metrics", { contentType: "text/plain", text }]]);
  server = makeServer({ pages });
  const url = `http://${await server.listen("127.0.0.1:0")}`;
  const failed = await fetch(`${url}/metrics`, withToken("t"));
  expect([failed.status, await failed.text()]).toEqual([500, "this page could not be made\n"]);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test("a request that is too long, or none, is answered with a problem as JSON", async () => {
  const url = await startServer();
  const long = await fetch(`${url}/api/runs?x=${"a".repeat(9000)}`, withToken("t"));
  const error = { code: "INVALID_ARGUMENT", message: "the path and headers are too long" };
  expect([long.status, await long.json()]).toEqual([431, { error: { ...error, field: null } }]);
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.end("hello\r\n\r\n");
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  expect(text).toMatch(/^HTTP\/1.1 400 [\s\S]*no HTTP request/);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test("health is served without the token, all else only with it", async () => {
  const url = await startServer();
  expect(await (await fetch(`${url}/healthz`)).text()).toBe("ok\n");
  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  const wrong = await fetch(`${url}/metrics`, withToken("guessed"));
  expect([wrong.status, await wrong.text()]).toEqual([401, "the token is wrong\n"]);
  expect((await fetch(`${url}/elsewhere`)).status).toBe(401);
  const nowhere = await fetch(`${url}/elsewhere`, withToken("t"));
  expect([nowhere.status, await nowhere.text()]).toEqual([404, "there are /healthz, /metrics\n"]);
  expect((await fetch(`${url}/metrics`, { method: "POST", ...withToken("t") })).status).toBe(405);
});

test("rejections are logged once for each reason and caller, without the path", async () => {
  const lines: string[] = [];
  const logger = createLogger("test", "warn", { write: (line) => void lines.push(line) });
  server = makeServer({ logger });
  const url = `http://${await server.listen("127.0.0.1:0")}`;
  for (let i = 0; i < 20; i++) await fetch(`${url}/${"secret-path".repeat(100)}`);
  await fetch(`${url}/other`, withToken("wrong"));
  expect(lines).toHaveLength(2);
  expect(lines.join("")).not.toContain("secret-path");
  expect((await fetch(`${url}/${"x".repeat(9000)}`)).status).toBe(431);
});

test("a port in use is an error that names it", async () => {
  const address = (await startServer()).replace("http://", "");
  const second = makeServer();
  await expect(second.listen(address)).rejects.toThrow(address);
  await second.stop();
});

test("the health check of a coordinator that does not serve answers 503", async () => {
  let isServing = false;
  const server = makeServer({ isServing: () => isServing });
  const url = `http://${await server.listen("127.0.0.1:0")}/healthz`;
  const states: [number, string][] = [];
  for (isServing of [false, true]) {
    const answer = await fetch(url);
    states.push([answer.status, await answer.text()]);
  }
  await server.stop();
  expect(states).toEqual([
    [503, "not serving\n"],
    [200, "ok\n"],
  ]);
});
