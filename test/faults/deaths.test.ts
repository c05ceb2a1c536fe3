/**
 * The second guarantee, with real processes: whichever process is killed during a run, the run
 * continues by itself, and ends with the same weights as an undisturbed one.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { GumshoeHomes, ROOT, type Running } from "../support/gumshoe.js";

const CONFIG = join(ROOT, "test/cluster/tiny.yaml");
const RUN = "tiny";
const TEST_TIMEOUT_MS = 90_000;

let digest: string;
const homes = new GumshoeHomes();

/** Stops a worker while its last heartbeat names a job, and returns that job. */
async function stopInJob(running: Running, pid: number): Promise<string> {
  const jobInHand = async () => (await running.fleet()).find((one) => one.pid === pid)?.job ?? "";
  for (let i = 0; i < 100; i++) {
    if ((await jobInHand()) !== "") {
      process.kill(pid, "SIGSTOP");
      // A heartbeat may have been in transit.
      await sleep(100);
      const job = await jobInHand();
      if (job !== "") return job;
      process.kill(pid, "SIGCONT");
    }
    await sleep(20);
  }
  throw new Error(`no heartbeat of process ${pid} named a job`);
}

beforeAll(async () => {
  const gumshoe = await homes.open();
  digest = (await gumshoe.run([CONFIG])).weightsDigest;
}, TEST_TIMEOUT_MS);

afterAll(async () => {
  await homes.close();
});

describe("a run ends with the same weights", { timeout: TEST_TIMEOUT_MS }, () => {
  test.each([
    {
      kills: [
        { name: "coordinator", event: "group-done", count: 8 },
        { name: "coordinator", event: "update-done", count: 4 },
      ],
    },
    // Between checkpoints, and with recovery points as often as possible.
    { kills: [{ name: "reducer-1", event: "update-done", count: 4 }], recoverySeconds: "0" },
    {
      kills: [
        { name: "reducer-1", event: "update-done", count: 3 },
        { name: "redis", event: "group-done", count: 21 },
      ],
    },
  ])("when processes are killed: $kills", async ({ kills, recoverySeconds = "90" }) => {
    const gumshoe = await homes.open();
    const env = { GUMSHOE_RECOVERY_SECONDS: recoverySeconds };
    const running = gumshoe.start(["run", CONFIG, "--reducers", "2", "--json"], env);
    for (const { name, event, count } of kills) {
      await running.untilEvents(RUN, event, count);
      running.kill(name);
    }
    expect((await running.result()).weightsDigest).toBe(digest);
    for (const { name } of kills) {
      const times = kills.filter((kill) => kill.name === name).length;
      const told = running.err.split(`${name} died (SIGKILL); starting it again`);
      expect({ name, times: told.length - 1 }).toEqual({ name, times });
    }
  });

  test("when an inference worker and a trainer are asked to stop: new processes take their jobs", async () => {
    const gumshoe = await homes.open();
    const running = gumshoe.start(["run", CONFIG, "--json"]);
    const stops = [
      { name: "inference-1", role: "inference", event: "group-done", count: 5 },
      { name: "trainer-1", role: "trainer", event: "update-done", count: 3 },
    ];
    for (const { name, event, count } of stops) {
      await running.untilEvents(RUN, event, count);
      process.kill(running.pid(name), "SIGTERM");
    }
    expect((await running.result()).weightsDigest).toBe(digest);
    const log = readFileSync(join(gumshoe.home, "logs/coordinator.log"), "utf8");
    for (const { name, role } of stops) {
      // It exited cleanly, within its budget, and its supervisor started a new one.
      expect(running.err).toContain(`${name} died (exit code 0); starting it again`);
      const told = log.split("\n").filter((line) => line.includes(`"role":"${role}"`));
      const count = (what: string) => told.filter((line) => line.includes(what)).length;
      expect(count("worker joined")).toBe(2);
      expect(count("worker left")).toBeGreaterThanOrEqual(1);
    }
    expect(log).not.toContain("worker stopped sending heartbeats");
  });

  test("when a worker hangs: the log names its job, and another worker does it", async () => {
    const gumshoe = await homes.open();
    // Long validations, which do not change weights, give jobs without a pause.
    const config = join(gumshoe.home, "tiny.yaml");
    const text = readFileSync(CONFIG, "utf8").replace("count: 3\n", "count: 24\n");
    writeFileSync(config, text.replace("../../models", join(ROOT, "models")));
    const env = { GUMSHOE_LOST_SECONDS: "3" };
    const running = gumshoe.start(["run", config, "--inference", "2", "--json"], env);
    await running.untilEvents(RUN, "group-done", 3);
    const hung = await stopInJob(running, running.pid("inference-1"));
    expect((await running.result()).weightsDigest).toBe(digest);
    const log = readFileSync(join(gumshoe.home, "logs/coordinator.log"), "utf8");
    const silence =
      log.split("\n").find((line) => line.includes("worker stopped sending heartbeats")) ?? "{}";
    expect(JSON.parse(silence)).toMatchObject({ role: "inference", job: hung });
    expect(hung).toMatch(/^tiny\/\d+\/(train|validation)\/\d+/);
  });
});

test("a second cluster in the same home is rejected with the first one's process", async () => {
  const gumshoe = await homes.open();
  const running = gumshoe.start(["run", CONFIG, "--json"]);
  await running.untilEvents(RUN, "run-started", 1);
  const { code, err } = await gumshoe.start(["run", CONFIG]).ended;
  expect(code).toBe(1);
  expect(err).toContain(`a cluster already runs in ${gumshoe.home} (process ${running.child.pid})`);
  running.child.kill("SIGINT");
  await running.ended;
}, 60_000);
