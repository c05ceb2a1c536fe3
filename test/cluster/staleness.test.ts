/**
 * Rollouts that lag behind by a constant, with real processes: sampling overlaps learning, and the final weights
 * stay a function of the config.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import type { RunResult } from "@gumshoe/config";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { GumshoeHomes, ROOT, stillAlive } from "../support/gumshoe.js";

const CONFIG = join(ROOT, "runs/async.yaml");
const RUN = "async";
const TEST_TIMEOUT_MS = 90_000;

let reference: RunResult;
const homes = new GumshoeHomes();

beforeAll(async () => {
  const gumshoe = await homes.open();
  reference = await gumshoe.run([CONFIG, "--threads", "1"]);
}, TEST_TIMEOUT_MS);

afterAll(async () => {
  await homes.close();
});

/** The metrics of a home's run, by iteration. */
function metricsIn(home: string): Record<string, number>[] {
  const lines = readFileSync(join(home, "runs", RUN, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, number>);
}

/** The weight versions that an iteration's answers were sampled from. */
function versionsIn(home: string, iteration: number): number[] {
  const file = join(home, "runs", RUN, `rollouts/${iteration}.jsonl.gz`);
  const answers = gunzipSync(readFileSync(file)).toString().trim().split("\n");
  return [...new Set(answers.map((line) => (JSON.parse(line) as { weights: number }).weights))];
}

describe("a run with staleness 2", { timeout: TEST_TIMEOUT_MS }, () => {
  test("samples from the weights two iterations back, and overlaps sampling and learning", () => {
    expect(reference).toMatchObject({ run: RUN, iterations: 6, logprobGapMax: 0 });
    expect(reference.validation.map(({ iteration }) => iteration)).toEqual([0, 3, 6]);
    const home = homes.opened[0]?.home ?? "";
    const metrics = metricsIn(home);
    const updates = metrics.map((line) => line["updates"] ?? 0);
    const after = (iterations: number) =>
      updates.slice(0, Math.max(0, iterations)).reduce((total, count) => total + count, 0);
    for (let i = 0; i < 6; i++) {
      expect(versionsIn(home, i)).toEqual([after(i - 2)]);
      expect(metrics[i]?.["stalenessUpdates"]).toBe(after(i) - after(i - 2));
    }
    expect(reference.updates).toBe(6);
    // Only the first iteration learns from its own weights: the others have a ratio other than 1.
    expect(metrics.map((line) => line["logprobGapMax"])).toEqual([
      0,
      ...Array<undefined>(5).fill(undefined),
    ]);
    expect(metrics[0]?.["policyKl"]).toBe(0);
    expect(metrics.slice(1).every((line) => (line["policyKl"] ?? 0) > 0)).toBe(true);
    expect(metrics.slice(1).some((line) => (line["aheadSeconds"] ?? 0) > 0)).toBe(true);
  });

  test("ends with the same weights for 3 inference workers, 2 trainers and 2 reducers, some of which are killed, and after a resume by 1 of each", async () => {
    const gumshoe = await homes.open();
    const words = ["--inference", "3", "--trainers", "2", "--reducers", "2", "--threads", "1"];
    const running = gumshoe.start(["run", CONFIG, ...words, "--json"]);
    await running.untilEvents(RUN, "update-done", 1);
    running.kill("inference-1");
    running.kill("trainer-1");
    await running.untilEvents(RUN, "update-done", 2);
    running.kill("reducer-1");
    await running.untilEvents(RUN, "update-done", 4);
    const pids = ["coordinator", "reducer-2", "redis"].map((name) => running.pid(name));
    running.child.kill("SIGKILL");
    await running.ended;
    expect(await stillAlive(pids)).toEqual([]);
    const result = await gumshoe.run([CONFIG, "--threads", "1"]);
    expect(comparable(result)).toEqual(comparable(reference));
    const untimed = (home: string) =>
      metricsIn(home).map((line) =>
        Object.entries(line).filter(([name]) => !/seconds|PerSecond$|AtMs$/i.test(name)),
      );
    expect(untimed(gumshoe.home)).toEqual(untimed(homes.opened[0]?.home ?? ""));
  });
});

/** Returns the part of a result that must not differ: all but duration and paths. */
function comparable(result: RunResult): RunResult {
  return { ...result, seconds: 0, checkpoint: "" };
}
