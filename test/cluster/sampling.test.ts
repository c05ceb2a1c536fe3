/** A run with every sampling option, with real processes: exact, like others. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { type RunResult } from "@gumshoe/config";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type Gumshoe, GumshoeHomes, ROOT } from "../support/gumshoe.js";

const CONFIG = join(ROOT, "runs/sampling.yaml");
const RUN = "sampling";
const TEST_TIMEOUT_MS = 90_000;

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

/** A line of a file of JSON lines. */
type Line = Readonly<Record<string, unknown>>;
const parseLines = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
const fileOf = (name: string) => readFileSync(join(first.home, "runs", RUN, name));

test("the trainer's log-probs are those of the distribution that was sampled from", () => {
  expect(reference).toMatchObject({ run: RUN, iterations: 2, updates: 4, logprobGapMax: 0 });
});

test("answers end with a stop string, never before the minimum length, and metrics count excluded tokens", () => {
  const answers = [0, 1].flatMap((iteration) =>
    parseLines(gunzipSync(fileOf(`rollouts/${iteration}.jsonl.gz`)).toString()),
  );
  const stopped = answers.filter(({ finish }) => finish === "stop-string");
  expect(stopped.length).toBeGreaterThan(2);
  for (const { reply } of stopped) expect(reply).toContain("\n- ");
  for (const line of parseLines(fileOf("metrics.jsonl").toString())) {
    expect(line["excludedFraction"]).toBeGreaterThanOrEqual(0);
    expect(line["excludedFraction"]).toBeLessThan(0.2);
  }
});

test(
  "it ends with the same weights for other workers, when an inference worker and a trainer are killed",
  async () => {
    const gumshoe = await homes.open();
    const words = ["--inference", "3", "--trainers", "2", "--reducers", "2", "--threads", "1"];
    const running = gumshoe.start(["run", CONFIG, ...words, "--json"]);
    await running.untilEvents(RUN, "group-done", 2);
    running.kill("inference-1");
    await running.untilEvents(RUN, "update-done", 2);
    running.kill("trainer-1");
    const comparable = (result: RunResult) => ({ ...result, seconds: 0, checkpoint: "" });
    expect(comparable(await running.result())).toEqual(comparable(reference));
  },
  TEST_TIMEOUT_MS,
);
