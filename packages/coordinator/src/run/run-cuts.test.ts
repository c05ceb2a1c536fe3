/**
 * Cuts a run's ledger after each of its events and resumes the run: it must end with the same
 * weights after the same iterations, updates and validations, because every decision is in the
 * ledger.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { RunResult } from "@gumshoe/config";
import { afterAll, beforeAll, expect, test } from "vitest";

import { RunHome } from "../../../../test/support/run-home.js";

const CASES = { type: "generate", tier: "mini" };
const COMMON = {
  seed: 17,
  iterations: 9,
  maxPackTokens: 8192,
  updatesPerIteration: 1,
  lanes: 1,
  optimizer: { lr: 0.01 },
  validation: { source: { ...CASES, seed: 2 }, count: 2, every: 2, greedy: false },
  checkpoint: { every: 2, keepLatest: 1 },
};
const SAMPLED = {
  ...COMMON,
  name: "sampled",
  type: "grpo",
  tasks: {
    source: { ...CASES, seed: 1 },
    perIteration: 2,
    curriculum: { tiers: ["mini", "easy"], promoteAt: 0.52, demoteAt: 0.48, window: 1 },
  },
  rollouts: { perTask: 3 },
  stopWhen: { validationDrop: 0.2, action: "rollback" },
};
const AHEAD = {
  ...COMMON,
  name: "ahead",
  type: "grpo",
  iterations: 6,
  staleness: 1,
  updatesPerIteration: 2,
  tasks: {
    source: { ...CASES, seed: 1 },
    perIteration: 2,
    dynamicSampling: { maxReplacements: 1 },
  },
  rollouts: { perTask: 2 },
  validation: { ...COMMON.validation, count: 1, every: 3 },
  checkpoint: { every: 3, keepLatest: 1 },
  stopWhen: { validationDrop: 0.2, action: "rollback" },
};
const TAUGHT = {
  ...COMMON,
  name: "taught",
  type: "sft",
  seed: 18,
  iterations: 3,
  examples: { source: { ...CASES, seed: 1 }, perUpdate: 2 },
  report: { source: { ...CASES, seed: 3 }, count: 2, greedy: false },
  // It never falls by as much, but the best weights are handed over.
  stopWhen: { validationDrop: 1, action: "rollback" },
};
/**
 * Events that are recorded after writing files: a crash in between leaves files without their
 * event.
 */
const AFTER_FILES = [
  "checkpoint-written",
  "validation-done",
  "report-done",
  "iteration-done",
  "run-done",
];

let home: RunHome;
beforeAll(async () => {
  home = await RunHome.start();
});
afterAll(() => home.close());

/** The part of a result that must not depend on resumes: everything but times. */
function outcome({ seconds: _seconds, ...rest }: RunResult) {
  const text = readFileSync(join(home.runs, rest.run, "metrics.jsonl"), "utf8");
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const figures = Object.entries(JSON.parse(line) as Record<string, number>);
      return Object.fromEntries(figures.filter(([name]) => !/seconds?$|AtMs$/i.test(name)));
    });
  return { ...rest, lines };
}

test.each([
  { config: SAMPLED, what: "samples, with validation, curriculum, checkpoints and a rollback" },
  { config: AHEAD, what: "samples ahead, and is stopped before it learns from all of it" },
  {
    config: TAUGHT,
    what: "is supervised, with validation, checkpoints, and a report on earlier weights",
  },
])(
  "a run that $what ends the same when it is cut after any event",
  async ({ config }) => {
    const { result, cuts } = await home.record({ ...config, model: home.model });
    const expected = outcome(result);
    expect(expected.lines).toHaveLength(result.iterations);
    if (config === TAUGHT) {
      expect(result.report).toMatchObject({ count: 2, iteration: 2 });
      expect(result.report?.weights).toEqual({ version: 2, digest: result.weightsDigest });
    }
    if (config === SAMPLED) {
      // The stop rule ended the run, and the best weights are not the last ones.
      expect(result.iterations).toBeLessThan(config.iterations);
      expect(result.checkpoint).not.toMatch(new RegExp(`/${result.iterations}$`));
    }
    if (config === AHEAD) {
      const at = (type: string, iteration: number) =>
        cuts.findIndex(
          ({ body }) => body.type === type && "iteration" in body && body.iteration === iteration,
        );
      expect(at("iteration-planned", 1)).toBeLessThan(at("iteration-done", 0));
      expect(at("iteration-planned", 2)).toBeGreaterThan(at("iteration-done", 0));
      // The stop rule ended the run before an iteration that was sampled ahead.
      expect(result.iterations).toBe(4);
      expect(at("iteration-planned", 4)).toBeGreaterThan(0);
      expect(existsSync(join(home.runs, result.run, "rollouts/3.jsonl.gz"))).toBe(true);
      expect(existsSync(join(home.runs, result.run, "rollouts/4.jsonl.gz"))).toBe(false);
    }
    for (const [index, { number, body, folder }] of cuts.entries()) {
      const after = await home.resume(config.name, number, folder);
      expect(outcome(after), `cut after event ${number}, ${body.type}`).toEqual(expected);
      const next = cuts[index + 1];
      if (next === undefined || !AFTER_FILES.includes(next.body.type)) continue;
      const before = await home.resume(config.name, number, next.folder);
      expect(outcome(before), `cut before event ${next.number}, ${next.body.type}`).toEqual(
        expected,
      );
    }
    if (config !== TAUGHT) return;
    const last = cuts[cuts.findIndex(({ body }) => body.type === "report-done") - 1];
    rmSync(join(last?.folder ?? "", "checkpoints/2"), { recursive: true });
    const repaired = await home.resume(config.name, last?.number ?? 0, last?.folder ?? "");
    expect(outcome(repaired), "without the checkpoint of the best weights").toEqual(expected);
    expect(existsSync(join(repaired.checkpoint, "model.safetensors"))).toBe(true);
  },
  120_000,
);
