/**
 * A run that makes its model worse, with real processes: it rolls back to the model that it started from, and
 * measures that one on the tasks of its report, although its reducers held newer weights.
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { afterAll, expect, test } from "vitest";

import { COMMAND, GumshoeHomes, ROOT } from "../support/gumshoe.js";

const execute = promisify(execFile);
const TEST_TIMEOUT_MS = 90_000;
const ROOKIE = join(ROOT, "models/rookie");
const cases = (seed: number) => ({ type: "generate", tier: "mini", seed });

const homes = new GumshoeHomes();
afterAll(() => homes.close());

test(
  "after a rollback the report measures the weights that the run hands over",
  async () => {
    const gumshoe = await homes.open();
    const config = {
      type: "sft",
      seed: 3,
      model: ROOKIE,
      iterations: 4,
      examples: { source: cases(501), perUpdate: 2 },
      optimizer: { lr: 1 },
      maxAnswerTokens: 48,
      validation: { source: cases(502), count: 24, every: 1, greedy: false },
      report: { source: cases(503), count: 8 },
      checkpoint: { every: 1 },
      stopWhen: { validationDrop: 0.1, action: "rollback" },
    };
    const file = join(gumshoe.home, "falls.yaml");
    writeFileSync(file, JSON.stringify(config));
    const result = await gumshoe.run([file, "--threads", "1"]);
    expect(result.iterations).toBeLessThan(config.iterations);
    expect(result.checkpoint).toBe(ROOKIE);
    const { report } = result;
    expect(report).toMatchObject({ iteration: 0, count: 8, weights: { version: 0 } });
    expect(report?.weights.digest).toBe(result.weightsDigest);
    // The start model answers the same tasks with the same score in another process.
    const source = JSON.stringify(config.report.source);
    const words = ["eval", "--model", ROOKIE, "--source", source, "--greedy", "--json"];
    const limits = ["--limit", "8", "--max-tokens", "48"];
    const { stdout } = await execute(process.execPath, [COMMAND, ...words, ...limits]);
    const { accuracy } = JSON.parse(stdout) as { accuracy: { mean: number } };
    expect(report?.greedy?.reward).toBe(accuracy.mean);
    expect(report?.greedy?.reward).toBeGreaterThan(0.2);

    const { out } = await gumshoe.start(["rollouts", "falls", "--report", "--json"]).ended;
    const answers = JSON.parse(out) as { group: string; weights: number }[];
    expect(answers).toHaveLength(16);
    for (const { group, weights } of answers)
      expect([group, weights]).toEqual([expect.stringMatching(/^0\/report\/\d+$/), 0]);
    const metrics = readFileSync(join(gumshoe.home, "runs/falls/metrics.jsonl"), "utf8");
    const last = JSON.parse(metrics.trim().split("\n").at(-1) ?? "") as Record<string, number>;
    expect(last).toMatchObject({ reportReward: report?.reward, reportCount: 8 });
  },
  TEST_TIMEOUT_MS,
);
