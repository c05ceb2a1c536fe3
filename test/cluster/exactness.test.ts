/**
 * The first guarantee, with real processes: a run's final weights are a function of its config
 * alone, and do not depend on workers, threads, crashes and interruptions.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunResult } from "@gumshoe/config";
import { openModelFolder } from "@gumshoe/engine";

import { GumshoeHomes, ROOT, stillAlive } from "../support/gumshoe.js";
import { OtlpCollector } from "../support/otlp-collector.js";

const CONFIG = join(ROOT, "test/cluster/exact.yaml");
const RUN = "exact";
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

describe("a run", { timeout: TEST_TIMEOUT_MS }, () => {
  test("has updates, a validation before and after, and no gap between log-probs", () => {
    expect(reference).toMatchObject({ run: RUN, iterations: 4, updates: 8, logprobGapMax: 0 });
    expect(reference.validation.map(({ iteration }) => iteration)).toEqual([0, 3, 4]);
    expect(reference.weightsDigest).toMatch(/^[0-9a-f]{64}$/);
    const weights = { version: 8, digest: reference.weightsDigest };
    expect(reference.report).toMatchObject({ iteration: 4, count: 2, weights });
  });

  test("replaces groups of equal rewards, and refreshes the reference that it diverges from", () => {
    const file = join(homes.opened[0]?.home ?? "", "runs", RUN, "metrics.jsonl");
    const lines = readFileSync(file, "utf8").trim().split("\n");
    const metrics = lines.map((line) => JSON.parse(line) as Record<string, number>);
    const [replaced, divergence] = ["numReplaced", "referenceKl"].map((name) =>
      metrics.map((line) => line[name] ?? 0),
    );
    // What follows from them is compared below: with other workers, after kills and after a resume.
    expect(Math.max(...(replaced ?? []))).toBeGreaterThan(0);
    expect(divergence?.every((value) => value > 0)).toBe(true);
    // One update after a refresh the policy is closer to the reference than three updates after one.
    expect(divergence?.[2]).toBeLessThan(divergence?.[1] ?? 0);
  });

  test("ends answers with stop strings, never within the minimum length", () => {
    const file = join(homes.opened[0]?.home ?? "", "runs", RUN, "rollouts/0.jsonl.gz");
    const answers = gunzipSync(readFileSync(file)).toString().trim().split("\n");
    const stopped = answers
      .map((line) => JSON.parse(line) as { finish: string; reply: string; tokens: number })
      .filter(({ finish }) => finish === "stop-string");
    expect(stopped.length).toBeGreaterThan(0);
    for (const { reply, tokens } of stopped) {
      expect(reply).toContain("\n- ");
      expect(tokens).toBeGreaterThan(3);
    }
  });

  test("ends with the same weights for 3 inference workers, 2 trainers and 2 reducers, traced", async () => {
    const gumshoe = await homes.open();
    const collector = new OtlpCollector();
    const env = {
      GUMSHOE_MONITORS: "opentelemetry",
      OTEL_EXPORTER_OTLP_ENDPOINT: await collector.start(),
    };
    const words = ["--inference", "3", "--trainers", "2", "--reducers", "2", "--threads", "1"];
    const result = await gumshoe.run([CONFIG, ...words], env);
    expect(comparable(result)).toEqual(comparable(reference));
    collector.stop();
    const names = [...collector.spans.values()].map(({ name }) => name);
    const count = (wanted: string) => names.filter((name) => name === wanted).length;
    // Six groups in each iteration, and those that replace some; two lanes in each of eight updates.
    expect(count("sample")).toBeGreaterThanOrEqual(24);
    expect(count("grade")).toBe(count("sample"));
    expect([count("iteration"), count("compute gradient")]).toEqual([4, 16]);
    expect(count("reduce and update")).toBeGreaterThanOrEqual(8);
  });

  test("ends with the same weights for 2 threads, and where processes share no memory", async () => {
    const gumshoe = await homes.open();
    const result = await gumshoe.run([CONFIG, "--threads", "2"], { GUMSHOE_SHARED_MEMORY: "off" });
    expect(comparable(result)).toEqual(comparable(reference));
  });

  test("ends with the same weights when an inference worker and a trainer are killed", async () => {
    const gumshoe = await homes.open();
    const running = gumshoe.start(["run", CONFIG, "--trainers", "2", "--threads", "1", "--json"]);
    await running.untilEvents(RUN, "group-done", 2);
    running.kill("inference-1");
    await running.untilEvents(RUN, "update-done", 3);
    running.kill("trainer-1");
    expect(comparable(await running.result())).toEqual(comparable(reference));
    expect(running.err).toContain("inference-1 died (SIGKILL); starting it again");
    expect(running.err).toContain("trainer-1 died (SIGKILL); starting it again");
  });

  test("stops on Ctrl-C, and the same command continues it to the same weights, however they are stored", async () => {
    const gumshoe = await homes.open();
    const config = join(gumshoe.home, "exact.yaml");
    const text = readFileSync(CONFIG, "utf8").replace("../../models", join(ROOT, "models"));
    writeFileSync(config, text.replace("keepLatest: 2", "keepLatest: 2, dtype: bfloat16"));
    const running = gumshoe.start(["run", config, "--threads", "1", "--json"]);
    // The first checkpoint is behind it.
    await running.untilEvents(RUN, "update-done", 5);
    running.child.kill("SIGINT");
    const stopped = await running.ended;
    expect(stopped.code).toBe(1);
    expect(stopped.err).toMatch(
      /was stopped after [0-3] of 4 iterations; continue it by: (npx )?gumshoe run /,
    );
    const result = await gumshoe.run([config, "--threads", "1"]);
    expect(comparable(result)).toEqual(comparable(reference));
    const stored = await openModelFolder(result.checkpoint ?? "");
    await stored.close();
    expect(stored.format).toBe("BF16");
  });

  test("resumes after kill -9 of all processes at once", async () => {
    const gumshoe = await homes.open();
    const running = gumshoe.start(["run", CONFIG, "--threads", "1", "--json"]);
    await running.untilEvents(RUN, "update-done", 3);
    const pids = ["coordinator", "reducer-1", "redis"].map((name) => running.pid(name));
    running.child.kill("SIGKILL");
    await running.ended;
    // The guardian kills the rest; no process may still write to the home.
    expect(await stillAlive(pids)).toEqual([]);
    const result = await gumshoe.run([CONFIG, "--threads", "1"]);
    expect(comparable(result)).toEqual(comparable(reference));
  });

  test("is executed once: the same command then only prints its result", async () => {
    const [first] = homes.opened;
    const again = await first?.run([CONFIG, "--threads", "1"]);
    expect(again).toEqual(reference);
  });

  test("fails with an error when a kernel computes one bit differently in sampling", async () => {
    const gumshoe = await homes.open();
    const running = gumshoe.start(["run", CONFIG, "--threads", "1", "--json"], {
      GUMSHOE_FAULT: "decode-attention",
    });
    const { code, err, out } = await running.ended;
    expect(code).toBe(1);
    expect(err).toMatch(/run exact failed: .*log-prob/);
    expect(err).toMatch(/rollout \d+.*token \d+/);
    expect(JSON.parse(out)).toMatchObject({ error: { code: "FAILED_PRECONDITION" } });
  });
});

/** Returns the part of a result that must not differ: all but duration and paths. */
function comparable(result: RunResult): RunResult {
  return { ...result, seconds: 0, checkpoint: "" };
}
