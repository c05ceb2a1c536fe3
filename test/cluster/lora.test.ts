/**
 * Runs that train an adapter by answers of several turns, with real processes: the same adapter whatever works on it, and
 * PEFT's folders.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import type { RunResult } from "@gumshoe/config";
import { openAdapterFolder, openModelFolder } from "@gumshoe/engine";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type Gumshoe, GumshoeHomes, ROOT } from "../support/gumshoe.js";

const CONFIG = join(ROOT, "test/cluster/lora.yaml");
const ROOKIE = join(ROOT, "models/rookie");
const TEST_TIMEOUT_MS = 90_000;

/** What a line of `rollouts/` says of an answer's turns. */
interface TurnsLine {
  readonly reply: string;
  readonly tokens: number;
  readonly metrics: { readonly turns: number };
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

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

test("answers have several turns: what was given between them is shown, and not counted as sampled", async () => {
  const lines = gunzipSync(readFileSync(join(first.home, "runs/lora/rollouts/0.jsonl.gz")));
  const answers = lines
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as TurnsLine);
  const numTurns = answers.map(({ metrics }) => metrics.turns);
  expect(Math.max(...numTurns)).toBe(3);
  for (const { messages, tokens, metrics, reply } of answers) {
    const replies = messages.filter(({ role }) => role === "assistant");
    expect(replies.length).toBe(metrics.turns);
    expect(tokens).toBeLessThanOrEqual(32 * metrics.turns);
    for (const [i, { role, content }] of messages.entries()) {
      expect(role).toBe(i % 2 === 0 ? "assistant" : "user");
      expect(reply).toContain(content);
      if (role === "user") expect(content).toContain(`${messages[i - 1]?.content.length} letters`);
    }
  }
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
  "it ends with the same adapter for other workers, when one of each kind but a trainer is killed, and from a recovery point",
  async () => {
    const gumshoe = await homes.open();
    const words = ["--inference", "3", "--trainers", "3", "--reducers", "2", "--threads", "1"];
    const running = gumshoe.start(["run", CONFIG, ...words, "--json"], {
      GUMSHOE_RECOVERY_SECONDS: "0",
    });
    // In the middle of conversations: the others and the worker that takes its place repeat them.
    await running.untilEvents("lora", "group-done", 17);
    running.kill("inference-1");
    await running.untilEvents("lora", "update-done", 1);
    running.kill("reducer-2");
    const result = await running.result();
    expect({ ...result, seconds: 0, checkpoint: "" }).toEqual({
      ...reference,
      seconds: 0,
      checkpoint: "",
    });
    expect(running.err).toContain("inference-1 died (SIGKILL); starting it again");
    expect(running.err).toContain("reducer-2 died (SIGKILL); starting it again");
    const log = readFileSync(join(gumshoe.home, "logs/coordinator.log"), "utf8");
    expect(log).toContain("a recovery point was written");
  },
  TEST_TIMEOUT_MS,
);
