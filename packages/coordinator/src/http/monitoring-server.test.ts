import { createLogger } from "@gumshoe/core";
import { afterEach, expect, test } from "vitest";

import { MonitoringServer } from "./monitoring-server.js";
import { METRICS_TYPE, metricsText } from "./metrics.js";

const WORKER = {
  workerId: "1",
  role: "inference",
  host: "a",
  pid: 1,
  device: "cpu x1",
  memoryBytes: 1,
  state: "busy",
  job: "r/1",
  jobAgeMs: 1500,
  weightVersion: 2,
  jobsDone: 3,
  ended: "",
  tokensPerSecond: 250.5,
};
const FIGURES = {
  workers: [
    WORKER,
    { ...WORKER, workerId: "2", tokensPerSecond: 100 },
    { ...WORKER, workerId: "3", state: "lost", jobAgeMs: 0, tokensPerSecond: 0 },
    { ...WORKER, workerId: "4", role: "reducer", state: "idle", jobAgeMs: 0, tokensPerSecond: 0 },
  ],
  runs: [
    {
      name: 'a "quoted" name',
      iterationsTotal: 24,
      state: {
        status: "running" as const,
        iterationsDone: 5,
        digests: ["0", "1", "2"],
        validations: [],
        iterationMetrics: [{ loss: 3 }, { loss: 0.25 }],
      },
    },
  ],
  coordinator: {
    loopDelayP99Ms: 9,
    loopDelayMaxMs: 51,
    loopBlockedMaxMs: 12,
    loopBusyMaxMs: 8,
    gcPauseMaxMs: 7,
    memoryBytes: 1000,
  },
};

let server: MonitoringServer | null = null;
afterEach(() => server?.stop());

async function startServer(): Promise<string> {
  const pages = new Map([
    ["/metrics", { contentType: METRICS_TYPE, text: () => metricsText(FIGURES) }],
  ]);
  const logger = createLogger("test", "silent");
  server = new MonitoringServer({ token: "t", tls: null, pages, logger, isServing: () => true });
  return `http://${await server.listen("127.0.0.1:0")}`;
}

const withToken = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

test("metrics are told to who has the token, in Prometheus' format", async () => {
  const url = await startServer();
  const response = await fetch(`${url}/metrics?x=1`, withToken("t"));
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe(METRICS_TYPE);
  const text = await response.text();
  expect(text.endsWith("\n")).toBe(true);
  const lines = text.split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      "# TYPE gumshoe_workers gauge",
      'gumshoe_workers{role="inference",state="busy"} 2',
      'gumshoe_workers{role="inference",state="lost"} 1',
      'gumshoe_workers{role="reducer",state="idle"} 1',
      'gumshoe_tokens_per_second{role="inference"} 350.5',
      'gumshoe_job_age_seconds{role="inference"} 1.5',
      'gumshoe_run_state{run="a \\"quoted\\" name",state="running"} 1',
      'gumshoe_run_iterations_done{run="a \\"quoted\\" name"} 5',
      'gumshoe_run_weight_version{run="a \\"quoted\\" name"} 2',
      'gumshoe_run_iteration{run="a \\"quoted\\" name",figure="loss"} 0.25',
      'gumshoe_coordinator_loop_delay_seconds{quantile="1"} 0.051',
      "gumshoe_coordinator_loop_blocked_seconds 0.012",
      "gumshoe_coordinator_loop_busy_seconds 0.008",
      "gumshoe_coordinator_memory_bytes 1000",
    ]) as string[],
  );
  // Nothing but comments and samples: no other line is allowed.
  for (const line of lines.slice(0, -1)) {
    expect(line).toMatch(
      /^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="([^"\\]|\\.)*"(,\w+="([^"\\]|\\.)*")*\})? [\d.e+-]+)$/,
    );
  }
});

test("health is told to anybody, the rest to nobody without the token", async () => {
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

test("refusals are logged once for each reason and caller, without the path", async () => {
  const lines: string[] = [];
  const logger = createLogger("test", "warn", { write: (line) => void lines.push(line) });
  server = new MonitoringServer({
    token: "t",
    tls: null,
    pages: new Map(),
    logger,
    isServing: () => true,
  });
  const url = `http://${await server.listen("127.0.0.1:0")}`;
  for (let i = 0; i < 20; i++) await fetch(`${url}/${"secret-path".repeat(100)}`);
  await fetch(`${url}/other`, withToken("wrong"));
  expect(lines).toHaveLength(2);
  expect(lines.join("")).not.toContain("secret-path");
  expect((await fetch(`${url}/${"x".repeat(9000)}`)).status).toBe(431);
});

test("a port in use is an error that names it", async () => {
  const address = (await startServer()).replace("http://", "");
  const logger = createLogger("test", "silent");
  const second = new MonitoringServer({
    token: "t",
    tls: null,
    pages: new Map(),
    logger,
    isServing: () => true,
  });
  await expect(second.listen(address)).rejects.toThrow(address);
  await second.stop();
});

test("a coordinator that does not serve is unhealthy, though it answers", async () => {
  let isServing = false;
  const logger = createLogger("test", "silent");
  const server = new MonitoringServer({
    token: "t",
    tls: null,
    pages: new Map(),
    logger,
    isServing: () => isServing,
  });
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
