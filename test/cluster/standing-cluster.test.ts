/** A running cluster used by its commands: up, submit, watch, status, cancel; and its errors. */
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { getPriority } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { RunResult } from "@gumshoe/config";
import type { RunInfo } from "@gumshoe/client";
import type { Fleet } from "@gumshoe/protocol";

import { COMMAND, type Finished, Gumshoe, ROOT, type Running } from "../support/gumshoe.js";
import { freePort } from "../support/redis-server.js";

const CONFIG = join(ROOT, "test/cluster/tiny.yaml");
const TEST_TIMEOUT_MS = 90_000;

let gumshoe: Gumshoe;
let up: Running;
let port: number;

const call = (...words: string[]): Promise<Finished> => gumshoe.start(words).ended;
const json = ({ out }: Finished) => JSON.parse(out) as Record<string, unknown>;

/** Writes another config for a run named tiny. */
function otherConfig(): string {
  const path = join(gumshoe.home, "tiny.yaml");
  const model = join(ROOT, "models/rookie");
  writeFileSync(path, `type: grpo\nmodel: ${model}\ntasks: {source: {type: generate}}\n`);
  return path;
}

/** Starts `gumshoe mcp` as an agent does; `call` returns a tool's result. */
async function openAgent(...words: string[]) {
  const client = new Client({ name: "agent", version: "1" });
  const args = [COMMAND, "mcp", "--home", gumshoe.home, ...words];
  await client.connect(new StdioClientTransport({ command: process.execPath, args }));
  const callTool = async (name: string, input: Record<string, unknown> = {}): Promise<unknown> => {
    const { content } = await client.callTool({ name, arguments: input });
    const [first] = content;
    return first?.type === "text" ? JSON.parse(first.text) : null;
  };
  return { client, call: callTool };
}

beforeAll(async () => {
  gumshoe = await Gumshoe.create();
  port = await freePort();
  up = gumshoe.start(["up", "--port", String(port), "--threads", "1", "--json"]);
  await up.until("the cluster is ready", () => up.out.includes("\n"));
}, TEST_TIMEOUT_MS);

afterAll(() => gumshoe.close());

describe("a running cluster", { timeout: TEST_TIMEOUT_MS }, () => {
  test("shows its address and its workers", async () => {
    expect(JSON.parse(up.out)).toMatchObject({ address: `127.0.0.1:${port}`, home: gumshoe.home });
    let roles: string[] = [];
    for (let i = 0; i < 100 && roles.length < 3; i++) {
      const { workers } = json(await call("status", "--json")) as { workers: { role: string }[] };
      roles = workers.map(({ role }) => role).sort();
    }
    expect(roles).toEqual(["inference", "reducer", "trainer"]);
  });

  test("shows what each worker is and does, and the coordinator's status", async () => {
    const { workers, coordinator } = json(await call("status", "--json")) as unknown as Fleet;
    for (const worker of workers) {
      expect(worker).toMatchObject({ device: "cpu x1", job: "", jobsDone: 0, weightVersion: 0 });
      expect(worker.memoryBytes).toBeGreaterThan(0);
    }
    expect(coordinator?.memoryBytes).toBeGreaterThan(0);
    expect(coordinator?.eventLoopDelayMaxMs).toBeGreaterThan(0);
    const { out } = await call("status");
    expect(out).toMatch(/worker +role +host +pid +device +memory +state +job +weights +done/);
    expect(out).toMatch(
      /inference 1 \w+, trainer 1 \w+, reducer 1 \w+; in the last minute 0 sampled, 0 trained tokens\/s/,
    );
    expect(out).toMatch(/coordinator: .* its event-loop delay was \d+ ms at most/);
  });

  test("runs its workers with lower priority", async () => {
    const { workers } = json(await call("status", "--json")) as unknown as Fleet;
    const nice = Math.max(10, getPriority());
    expect(workers.map(({ pid }) => getPriority(pid))).toEqual([nice, nice, nice]);
  });

  test("accepts a run, shows it to its end, and shows it again later", async () => {
    const submitted = await call("submit", CONFIG, "--watch", "--json");
    expect(submitted.code).toBe(0);
    const result = RunResult.parse(json(submitted));
    expect(result).toMatchObject({ run: "tiny", logprobGapMax: 0 });
    const watched = await call("watch", "tiny", "--json");
    expect(json(watched)).toEqual(result);
    const { runs } = json(await call("status", "--json")) as { runs: unknown[] };
    expect(runs).toMatchObject([{ name: "tiny", state: "done", iterationsDone: 4 }]);
  });

  test("forks a run: the same config ends with the same weights, another with others", async () => {
    const first = RunResult.parse(json(await call("watch", "tiny", "--json")));
    const forked = await call("fork", "tiny@2", "--name", "again", "--watch", "--json");
    expect(forked).toMatchObject({ code: 0 });
    const again = RunResult.parse(json(forked));
    expect(again).toMatchObject({ run: "again", weightsDigest: first.weightsDigest });
    expect(again.validation).toEqual(first.validation);

    const longer = ["--name", "longer", "--set", "iterations=5", "--set", "optimizer.lr=2e-4"];
    const { out } = await call("fork", "tiny", ...longer);
    expect(out).toMatch(/^run longer continues tiny after 4 of 5 iterations; follow it by: /);
    expect(RunResult.parse(json(await call("watch", "longer", "--json")))).toMatchObject({
      iterations: 5,
      updates: 10,
    });
    const { runs } = json(await call("status", "--json")) as { runs: RunInfo[] };
    const longerRun = runs.find(({ name }) => name === "longer");
    expect(longerRun).toMatchObject({ forkedFrom: { run: "tiny", iterations: 4 } });
    // The shared iterations are there to be read.
    const answers = await call("rollouts", "longer", "--iteration", "0", "--json");
    expect(answers.out).toBe((await call("rollouts", "tiny", "--iteration", "0", "--json")).out);

    const failed = await call("fork", "tiny@3", "--name", "other");
    expect(failed).toMatchObject({ code: 1 });
    expect(failed.err).toBe("gumshoe: run tiny: checkpoint 3 was never written\n");
    for (const name of ["again", "longer"]) {
      expect((await call("forget", name, "--yes")).code).toBe(0);
    }
  });

  test("changes no priority of a run that has ended, nor to what is none", async () => {
    const ended = await call("prioritize", "tiny", "-5");
    expect(ended).toMatchObject({ code: 1, err: "gumshoe: run tiny has ended (done)\n" });
    const { code, err } = await call("submit", "runs/exact.yaml", "--priority", "101");
    expect(code).toBe(2);
    expect(err).toContain("It must be a whole number, -100 to 100.");
  });

  test("serves an agent by MCP, which changes nothing unless allowed", async () => {
    const agent = await openAgent();
    const { tools } = await agent.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(
      "plan status run_status metrics rollouts".split(" "),
    );
    expect(tools.every(({ annotations }) => annotations?.readOnlyHint === true)).toBe(true);
    expect(await agent.call("status")).toMatchObject({ runs: [{ name: "tiny", state: "done" }] });
    expect(await agent.call("run_status", { run: "tiny" })).toMatchObject({ config: { seed: 7 } });
    expect(await agent.call("metrics", { run: "tiny", last: 1, names: ["meanReward"] })).toEqual({
      iterations: 4,
      metrics: [{ iteration: 3, meanReward: expect.any(Number) as number }],
    });
    const page = { run: "tiny", iteration: 0, count: 1 };
    expect(await agent.call("rollouts", page)).toMatchObject({ rollouts: [{ index: 0 }] });
    expect(await agent.call("plan", { file: CONFIG })).toMatchObject({ run: "tiny", fits: true });
    expect(await agent.call("plan", { file: "none.yaml" })).toMatchObject({
      message: "none.yaml: there is no such file",
    });
    expect(await agent.call("metrics", { run: "tiny", names: ["reward"] })).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(agent.call("cancel", { run: "tiny" })).rejects.toThrow("cancel");
    await agent.client.close();
    const trusted = await openAgent("--allow-changes");
    const submitted = await trusted.call("submit", { file: CONFIG, name: "agents" });
    expect(submitted).toMatchObject({ name: "agents", iterationsTotal: 4 });
    expect(await trusted.call("cancel", { run: "agents" })).toMatchObject({ name: "agents" });
    await trusted.client.close();
    expect((await call("forget", "agents", "--yes")).code).toBe(0);
  });

  test("starts the next run at once when one is cancelled during sampling", async () => {
    const large = join(gumshoe.home, "large.yaml");
    const model = join(ROOT, "models/rookie");
    // A run with some minutes of sampling.
    writeFileSync(
      large,
      `type: grpo\nmodel: ${model}\ntasks: {source: {type: generate}, perIteration: 8}\n` +
        "rollouts: {perTask: 1024, maxAnswerTokens: 800}\nmaxPackTokens: 1048576\n",
    );
    await call("submit", large);
    const next = call("submit", CONFIG, "--name", "after", "--watch", "--json");
    await up.untilBusy("inference", "large/0/train/");
    let names: string[] = [];
    while (!names.includes("after")) {
      const { runs } = json(await call("status", "--json")) as { runs: { name: string }[] };
      names = runs.map(({ name }) => name);
    }
    // submit, status and watch name the runs ahead of a queued one.
    const queued = await call("submit", CONFIG, "--name", "second");
    expect(queued.out).toMatch(/^run second is queued behind large, after; follow it by: /);
    const status = await call("status");
    expect(status.out).toMatch(/^second +queued +0\/4 +behind large, after$/m);
    const second = await call("cancel", "second", "--json");
    expect(json(second)).toMatchObject({ name: "second", state: "cancelled" });
    const cancelled = await call("cancel", "large", "--json");
    expect(json(cancelled)).toMatchObject({ name: "large", state: "cancelled" });
    const ended = await next;
    expect(ended.err).toContain("queued behind large\n");
    const result = RunResult.parse(json(ended));
    const first = RunResult.parse(json(await call("watch", "tiny", "--json")));
    expect(result.weightsDigest).toBe(first.weightsDigest);
    // The worker has left the jobs of the cancelled run.
    const fleet = await up.fleet();
    expect(fleet.filter(({ job }) => job.startsWith("large/"))).toEqual([]);
  });

  test("rejects another config under a taken name, with the differing fields", async () => {
    const { code, err } = await call("submit", otherConfig());
    expect(code).toBe(1);
    expect(err).toContain("run tiny exists with another config: seed is 7 there and 1 here, ");
    expect(err).toContain("give this run another name (--name) or replace that one (--fresh)");
  });

  test("replaces a run of that name with --fresh, but not while it runs", async () => {
    const replaced = await call("submit", otherConfig(), "--fresh", "--json");
    expect(json(replaced)).toMatchObject({ name: "tiny", config: { seed: 1 }, iterationsDone: 0 });
    const { code, err } = await call("submit", CONFIG, "--fresh");
    expect(code).toBe(1);
    // The advised command is complete: it contains the options that identify the cluster.
    const advice = `npx gumshoe cancel tiny --home ${gumshoe.home}`;
    expect(err).toMatch(/^gumshoe: run tiny is \w+; cancel it first \(.*\)\n$/);
    expect(err).toContain(`(${advice})`);
    await call("cancel", "tiny");
  });

  test("removes a run with forget, without a question only with --yes", async () => {
    const asked = await call("forget", "after");
    expect(asked).toMatchObject({ code: 2, out: "" });
    expect(asked.err).toContain("--yes");
    expect(existsSync(join(gumshoe.home, "runs/after"))).toBe(true);
    const removed = await call("forget", "after", "--yes");
    expect(removed.code).toBe(0);
    expect(removed.out).toMatch(/^run after is removed; [\d.]+ [kM]B are free again\n$/);
    expect(existsSync(join(gumshoe.home, "runs/after"))).toBe(false);
    const again = await call("forget", "after", "--yes", "--json");
    expect(again.code).toBe(1);
    expect(again.err).toBe("gumshoe: there is no run after\n");
    const { out } = await call("status");
    expect(out).not.toContain("after");
  });

  test("rejects a wrong token with one line", async () => {
    const tokenFile = join(gumshoe.home, "wrong-token");
    writeFileSync(tokenFile, "not-the-token\n");
    const { code, err } = await call("status", "--token-file", tokenFile);
    expect(code).toBe(1);
    expect(err).toBe("gumshoe: the token is wrong\n");
  });

  test("reports a run that does not exist", async () => {
    const { code, err } = await call("watch", "nobody");
    expect(code).toBe(1);
    expect(err).toContain("nobody");
  });

  test("stops cleanly on Ctrl-C", async () => {
    up.child.kill("SIGINT");
    expect((await up.ended).code).toBe(0);
    const { code, err } = await call("status");
    expect(code).toBe(1);
    expect(err).toMatch(/no cluster runs in .*: start one by npx gumshoe up --home/);
  });
});

describe("what keeps a cluster from starting is reported in one line", () => {
  test("a port that is in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const taken = typeof address === "object" ? String(address?.port) : "";
    const { code, err } = await call("up", "--port", taken);
    server.close();
    expect(code).toBe(1);
    expect(err).toBe(`gumshoe: port ${taken} of 127.0.0.1 is in use; choose another by --port\n`);
  });

  test("a missing Redis", async () => {
    const { code, err } = await gumshoe.start(["up"], { PATH: "" }).ended;
    expect(code).toBe(1);
    expect(err).toContain("no redis-server or valkey-server on the PATH");
    expect(err).toContain("apt-get install redis-server");
  });
});
