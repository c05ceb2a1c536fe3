/** The JSON API of a real coordinator process, with a real Redis and a run of fake workers. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Answer, type FoundAnswers, type Route, ROUTES, type RouteName } from "@gumshoe/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";

import { FakeCluster, TOKEN } from "../../../../test/support/fake-cluster.js";

let cluster: FakeCluster;
let url: string;
beforeAll(async () => {
  cluster = await FakeCluster.start();
  url = urlOf(cluster);
  await cluster.addWorkers();
  await cluster.run();
});
afterAll(() => cluster.close());

function urlOf({ home }: FakeCluster): string {
  const { http } = JSON.parse(readFileSync(join(home, "ready.json"), "utf8")) as { http: string };
  return `http://${http}`;
}

const bearer = { authorization: `Bearer ${TOKEN}` };
const PLACE = { run: "small", iteration: 1, kind: "train", group: 2, index: 1, task: 0 };

function pathOf({ path }: Route): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    String(PLACE[name as keyof typeof PLACE]),
  );
}

/** Gets the answer of a route, checked by its schema. */
async function get<N extends RouteName>(
  name: N,
  query = "",
  changes: Partial<typeof PLACE> = {},
): Promise<(typeof ROUTES)[N]["response"] extends z.ZodType<infer T> ? T : never> {
  const route: Route = ROUTES[name];
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, key: string) =>
    String({ ...PLACE, ...changes }[key as keyof typeof PLACE]),
  );
  const response = await fetch(`${url}${path}${query}`, { headers: bearer });
  expect(response.status, path).toBe(200);
  return route.response?.parse(await response.json()) as never;
}

const post = (path: string, body: unknown, headers: Record<string, string>) =>
  fetch(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

/** Logs in with the token; returns the cookie. */
async function logIn(): Promise<string> {
  const { headers } = await post("/api/login", { token: TOKEN }, {});
  return (headers.get("set-cookie") ?? "").split(";")[0] ?? "";
}

describe("a caller without a login", () => {
  test("gets nothing but health from any route", async () => {
    for (const route of Object.values(ROUTES) as Route[]) {
      const { method } = route;
      const body = method === "POST" ? "{}" : null;
      const headers = { "content-type": "application/json" };
      const { status } = await fetch(`${url}${pathOf(route)}`, { method, headers, body });
      expect([route.path, status]).toEqual([route.path, route === ROUTES.login ? 400 : 401]);
    }
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test("is logged in by the code of a link once, by the token, and not by a guess", async () => {
    const made = await post("/api/login-code", {}, bearer);
    const { path } = (await made.json()) as { path: string };
    const first = await fetch(`${url}${path}`);
    const cookie = first.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^gumshoe-\w+=.*; Path=\/; HttpOnly; SameSite=Strict; Max-Age=/);
    expect((await fetch(`${url}${path}`)).status).toBe(401);
    const session = { cookie: cookie.split(";")[0] ?? "" };
    expect((await fetch(`${url}/api/runs`, { headers: session })).status).toBe(200);
    const forged = { cookie: `${session.cookie.split(".")[0]}9.x.y` };
    expect((await fetch(`${url}/api/runs`, { headers: forged })).status).toBe(401);
    expect((await post("/api/login", { token: "guess" }, {})).status).toBe(401);
    expect(await logIn()).toContain("gumshoe-");
  });
});

test("a change by a session must come from this server's own page, as JSON", async () => {
  const cookie = await logIn();
  const cancel = (headers: Record<string, string>) =>
    post("/api/runs/small/cancel", {}, { cookie, ...headers }).then(({ status }) => status);
  expect(await cancel({ origin: "https://elsewhere.example" })).toBe(403);
  expect(await cancel({ "sec-fetch-site": "cross-site" })).toBe(403);
  expect(await cancel({ origin: url, "content-type": "text/plain" })).toBe(400);
  expect(await cancel({})).toBe(403);
  expect(await cancel({ origin: url, "sec-fetch-site": "same-origin" })).toBe(200);
});

test("every answer fits its schema, and has the headers that forbid embedding and foreign scripts", async () => {
  for (const [name, route] of Object.entries(ROUTES) as [RouteName, Route][]) {
    if (route.method !== "GET" || route.response === null) continue;
    await get(name, name === "compare" ? "?runs=small" : "");
  }
  const { headers } = await fetch(`${url}/api/runs`, { headers: bearer });
  expect(headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(headers.get("x-frame-options")).toBe("DENY");
});

test("the series of a run has a value for every iteration, or a mean with extremes", async () => {
  const every = await get("series");
  expect(every).toMatchObject({ every: 1, iterations: [0, 1, 2], iterationsDone: 3 });
  const reward = every.columns.find(({ name }) => name === "meanReward")?.values as number[];
  const { columns, iterations } = await get("series", "?points=2&names=meanReward");
  expect(iterations).toEqual([0, 2]);
  const [a = 0, b = 0, c = 0] = reward;
  expect(columns).toMatchObject([
    { values: [(a + b) / 2, c], min: [Math.min(a, b), c], max: [Math.max(a, b), c] },
  ]);
});

test("a group has its prompt, right answer, advantages and questions", async () => {
  const group = await get("group");
  const groups = cluster.eventsOf("group-done").find(({ groupKey }) => groupKey === "1/train/2");
  expect(group.rewards).toEqual(groups?.rewards);
  expect(group.prompt).not.toBe("");
  const questions = Object.keys(group.solution as object);
  for (const sample of group.samples as Answer[]) {
    expect(sample.questions?.map(({ question }) => question)).toEqual(questions);
    expect(sample.advantage).not.toBeNull();
  }
  const tokens = await get("answerTokens", "?from=1&limit=2");
  expect(tokens.texts.length).toBe(Math.min(2, Math.max(0, tokens.total - 1)));
});

test("a search finds every answer that fits, page by page", async () => {
  const found: FoundAnswers["answers"] = [];
  let cursor = "";
  do {
    const page = await get("answers", `?kind=train&minReward=0&limit=7&cursor=${cursor}`);
    found.push(...page.answers);
    cursor = page.next ?? "";
  } while (cursor !== "");
  const scored = cluster
    .eventsOf("group-done")
    .filter(({ groupKey }) => groupKey.includes("/train/"))
    .flatMap(({ rewards }) => rewards.filter((reward) => reward !== null));
  expect(found.length).toBe(scored.length);
  const places = found.map(({ iteration, group, index }) => `${iteration}/${group}/${index}`);
  expect(new Set(places).size).toBe(found.length);
});

test("the timeline of an iteration has the work of every role", async () => {
  const { phases, workers, lengthMs } = await get("timeline");
  expect(phases.map(({ phase }) => phase)).toContain("learning");
  expect(workers.map(({ role }) => role)).toContain("reducer");
  for (const { fromMs, toMs } of workers.flatMap(({ spans }) => spans)) {
    expect(fromMs).toBeLessThanOrEqual(toMs);
    expect(toMs).toBeLessThanOrEqual(lengthMs);
  }
});

test("a stream of a run goes on after the last number that the browser has", async () => {
  const numbersAfter = async (headers: Record<string, string>) => {
    const stop = new AbortController();
    const path = `${url}/api/runs/small/live`;
    const response = await fetch(path, { headers: { ...bearer, ...headers }, signal: stop.signal });
    let text = "";
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString("utf8");
      if (text.includes("event: fleet")) break;
    }
    stop.abort();
    return [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  };
  const last = cluster.events().length;
  expect(await numbersAfter({})).toEqual([]);
  const missed = await numbersAfter({ "last-event-id": String(last - 4) });
  expect(missed.at(-1)).toBe(last);
  expect(missed.every((number) => number > last - 4)).toBe(true);
});

test("a checkpoint's files are downloaded, and no other file is", async () => {
  const { checkpoints } = await get("checkpoints");
  const file = checkpoints[0]?.files.find(({ name }) => name === "config.json");
  const response = await fetch(`${url}${file?.path}`, { headers: bearer });
  expect((await response.arrayBuffer()).byteLength).toBe(file?.bytes);
  const secret = join(cluster.runFolder(), "checkpoints/secret");
  writeFileSync(secret, "secret");
  for (const name of ["..%2Fsecret", "%2E%2E%2Fsecret", "secret"]) {
    const path = file?.path.replace("config.json", name);
    expect((await fetch(`${url}${path}`, { headers: bearer })).status).toBe(404);
  }
});

test("a waiting run shows what is ahead of it, until it has the higher priority", async () => {
  await cluster.submit({ name: "long", seed: 6, iterations: 4000 });
  await cluster.submit({ name: "waiting", seed: 7, iterations: 4000 });
  await expect
    .poll(() => get("run", "", { run: "waiting" }))
    .toMatchObject({ status: "queued", priority: 0, ahead: ["long"] });
  const path = "/api/runs/waiting/priority";
  const changed = await post(path, { priority: 3 }, bearer);
  expect(await changed.json()).toMatchObject({ priority: 3 });
  await expect
    .poll(() => get("run", "", { run: "long" }), { timeout: 10_000 })
    .toMatchObject({ status: "queued", ahead: ["waiting"] });
  for (const priority of [101, 0.5, "high", null]) {
    const refused = await post(path, { priority }, bearer);
    const { error } = (await refused.json()) as { error: { field: string } };
    expect([priority, refused.status, error.field]).toEqual([priority, 400, "priority"]);
  }
  for (const run of ["long", "waiting"]) await post(`/api/runs/${run}/cancel`, {}, bearer);
  expect((await post("/api/runs/small/priority", { priority: 1 }, bearer)).status).toBe(409);
});

test("what is wrong with a request is said by field", async () => {
  const problem = async (path: string) => {
    const response = await fetch(`${url}${path}`, { headers: bearer });
    return [response.status, ((await response.json()) as { error: { field: string } }).error.field];
  };
  expect(await problem("/api/runs/small/series?points=x")).toEqual([400, "points"]);
  expect(await problem("/api/runs/none/series")).toEqual([404, null]);
  const submitted = await post("/api/runs", { config: "{ name: x, type: grpo }" }, bearer);
  expect(submitted.status).toBe(400);
});
