/** A curriculum in a real coordinator process, which is killed and restarted. */
import type { CurriculumConfig } from "@gumshoe/config";
import { createTaskSource, type TierName } from "@gumshoe/puzzles";
import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster } from "../../../../test/support/fake-cluster.js";
import { nextTier } from "./curriculum.js";

const ITERATIONS = 8;
const HELD_OUT = 40;
/** Fake answers are worth 0.5 on average: the tier moves up and down. */
const RULE: CurriculumConfig = {
  tiers: ["mini", "easy", "medium"],
  promoteAt: 0.52,
  demoteAt: 0.48,
  window: 1,
};
const SERIES = { type: "generate", style: "clear", seed: 1 } as const;
const CHANGES = {
  iterations: ITERATIONS,
  maxPackTokens: 8192,
  tasks: { source: { ...SERIES, tier: "mini" }, perIteration: 4, curriculum: RULE },
  // The same series that training draws from in its second tier.
  validation: { source: { ...SERIES, tier: "easy" }, count: HELD_OUT, every: 100, greedy: false },
};

let cluster: FakeCluster;
let digest: string;
beforeAll(async () => {
  cluster = await FakeCluster.start();
  await cluster.addWorkers();
  digest = (await cluster.run({ name: "climb", ...CHANGES })).weightsDigest;
});
afterAll(() => cluster.close());

const plansOf = (name: string) =>
  cluster.eventsOf("iteration-planned", name).map(({ iteration, tasks, tier }) => ({
    iteration,
    tasks,
    tier,
  }));

/** The mean rewards of an iteration's groups, in task order. */
function groupMeans(iteration: number): (number | null)[] {
  const prefix = `${iteration}/train/`;
  return cluster
    .eventsOf("group-done", "climb")
    .filter(({ groupKey }) => groupKey.startsWith(prefix))
    .sort((a, b) => (a.groupKey < b.groupKey ? -1 : 1))
    .map(({ meanReward }) => meanReward);
}

test("every tier is recorded, and follows from the earlier iterations alone", () => {
  const tiers = plansOf("climb").map(({ tier }) => tier as TierName);
  expect(tiers).toHaveLength(ITERATIONS);
  expect(new Set(tiers).size).toBeGreaterThan(1);
  const past = tiers.map((tier, iteration) => ({ tier, groupMeans: groupMeans(iteration) }));
  for (const [iteration, tier] of tiers.entries()) {
    expect(nextTier(RULE, past.slice(0, iteration))).toBe(tier);
  }
});

test("a curriculum whose larger cases do not fit is rejected at submission", async () => {
  const submitted = cluster.submit({ name: "narrow", ...CHANGES, maxPackTokens: 600 });
  await expect(submitted).rejects.toThrow(
    /maxPackTokens: is 600; easy-clear-1-\d+ needs \d+ tokens/,
  );
});

test("an iteration draws cases of its tier, and never one of the validation set", () => {
  const easy = createTaskSource({ ...SERIES, tier: "easy" });
  const held = new Set(Array.from({ length: HELD_OUT }, (_, i) => easy.task(i).contentHash));
  for (const { iteration, tasks, tier } of plansOf("climb")) {
    const source = createTaskSource({ ...SERIES, tier: tier as TierName }, { exclude: held });
    expect(tasks).toEqual([0, 1, 2, 3].map((i) => source.task(4 * iteration + i).contentHash));
    expect(tasks.filter((hash) => held.has(hash))).toEqual([]);
  }
});

test("a run whose coordinator is killed repeatedly has the same tasks, tiers and weights", async () => {
  const name = "climb-killed";
  await cluster.submit({ name, ...CHANGES });
  const deaths = [
    ["iteration-planned", 2],
    ["group-done", HELD_OUT + 15],
    ["update-done", 9],
    ["iteration-done", 6],
  ] as const;
  for (const [event, count] of deaths) {
    await cluster.untilEvents(event, count, name);
    await cluster.endCoordinator("SIGKILL");
    await cluster.startCoordinator();
  }
  expect((await cluster.result(name)).weightsDigest).toBe(digest);
  expect(plansOf(name)).toEqual(plansOf("climb"));
}, 120_000);
