/** Runs that train an adapter, with real processes: the same adapter whatever works on it, and PEFT's folders. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { type RunResult } from "@gumshoe/config";
import { openAdapterFolder, openModelFolder } from "@gumshoe/engine";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type Gumshoe, GumshoeHomes, ROOT } from "../support/gumshoe.js";

const CONFIG = join(ROOT, "test/cluster/lora.yaml");
const ROOKIE = join(ROOT, "models/rookie");
const TEST_TIMEOUT_MS = 60_000;

let reference: RunResult;
let first: Gumshoe;
const homes = new GumshoeHomes();

beforeAll(async () => {
  first = await homes.open();
  reference = await first.run([CONFIG, "--threads", "1"]);
}, TEST_TIMEOUT_MS);
afterAll(async () => {
  await homes.close();
});

test("a run has updates, and no gap between the log-probs of sampler and trainer", () => {
  expect(reference).toMatchObject({ run: "lora", iterations: 2, updates: 4, logprobGapMax: 0 });
});

test("its checkpoint is an adapter folder that states its base, and the adapter has learnt", async () => {
  const base = await openModelFolder(ROOKIE);
  const checkpoint = reference.checkpoint ?? "";
  const adapter = await openAdapterFolder(checkpoint, base);
  const values = await adapter.readParameters(0, adapter.layout.numParameters);
  await Promise.all([adapter.close(), base.close()]);
  expect(adapter.base.name).toBe(ROOKIE);
  expect(adapter.baseDigest).toMatch(/^[0-9a-f]{64}$/);
  for (const { name, start, end } of adapter.layout.entries) {
    expect([name, values.subarray(start, end).some((value) => value !== 0)]).toEqual([name, true]);
  }
  expect(existsSync(join(checkpoint, "config.json"))).toBe(false);
  expect(existsSync(join(checkpoint, "tokenizer.json"))).toBe(true);
});

test(
  "it ends with the same adapter for other workers, when a reducer is killed, and from a recovery point",
  async () => {
    const gumshoe = await homes.open();
    const words = ["--inference", "2", "--trainers", "3", "--reducers", "2", "--threads", "1"];
    const running = gumshoe.start(["run", CONFIG, ...words, "--json"], {
      GUMSHOE_RECOVERY_SECONDS: "0",
    });
    await running.untilEvents("lora", "update-done", 1);
    running.kill("reducer-2");
    const result = await running.result();
    expect({ ...result, seconds: 0, checkpoint: "" }).toEqual({
      ...reference,
      seconds: 0,
      checkpoint: "",
    });
    expect(running.err).toContain("reducer-2 died (SIGKILL); starting it again");
    const log = readFileSync(join(gumshoe.home, "logs/coordinator.log"), "utf8");
    expect(log).toContain("a recovery point was written");
  },
  TEST_TIMEOUT_MS,
);
