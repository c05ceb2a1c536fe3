/** What a lost reducer costs is bounded by time: points between checkpoints. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { MOMENTS_FILE } from "@gumshoe/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster, until } from "../../../../test/support/fake-cluster.js";
import { type FakeHooks, FakeReducer, FakeTrainer } from "../../../../test/support/fake-workers.js";

/** One checkpoint, at the end. */
const RARE = { checkpoint: { every: 100, keepLatest: 1 }, iterations: 4, validation: null };

let cluster: FakeCluster;
let reducer: FakeReducer;
let digest: string;
const hooks: { lane?: FakeHooks["lane"]; group?: FakeHooks["group"] } = {};

beforeAll(async () => {
  cluster = await FakeCluster.start();
  await cluster.endCoordinator("SIGTERM");
  await cluster.startCoordinator({ GUMSHOE_RECOVERY_SECONDS: "0" });
  reducer = await cluster.add(new FakeReducer(cluster.workers, "reducer-1"));
  const trainer = new FakeTrainer(cluster.workers, "trainer-1", {
    lane: async (report, complete) => hooks.lane?.(report, complete) ?? report,
  });
  await cluster.add(trainer);
  await cluster.addInference({
    group: async (group, submit) => hooks.group?.(group, submit) ?? group,
  });
  digest = (await cluster.run({ name: "whole", ...RARE })).weightsDigest;
});
afterAll(() => cluster.close());

const recovery = (name: string) => join(cluster.runFolder(name), "recovery");

/** Replaces the reducer while a lane of an update is computed, once. */
function replaceReducerAt(update: number, before = () => Promise.resolve()) {
  let isReplaced = false;
  hooks.lane = async (report) => {
    if (report.update !== update || isReplaced) return report;
    isReplaced = true;
    await reducer.stop();
    await before();
    reducer = await cluster.add(new FakeReducer(cluster.workers, "reducer-1"));
    return report;
  };
}

test("a lost reducer costs the updates since the newest recovery point, not since a checkpoint", async () => {
  replaceReducerAt(5);
  const result = await cluster.run({ name: "lost", ...RARE });
  expect(result.weightsDigest).toBe(digest);
  const [assigned] = reducer.assigned;
  expect(assigned?.version).toBeGreaterThanOrEqual(4);
  expect(assigned?.folder).toBe(join(recovery("lost"), String(assigned?.version)));
  expect(cluster.log).toContain("a recovery point was written");
});

test("the checkpoint of the end replaces the recovery points", () => {
  expect(existsSync(recovery("whole"))).toBe(false);
  expect(existsSync(recovery("lost"))).toBe(false);
});

test("a recovery point whose bytes have changed is skipped", async () => {
  replaceReducerAt(5, async () => {
    const points = () => readdirSync(recovery("spoiled"));
    // A point that is being written would be intact afterwards.
    await until("no point is being written", () => !points().some((name) => name.endsWith(".tmp")));
    for (const version of points()) {
      const file = join(recovery("spoiled"), version, MOMENTS_FILE);
      const bytes = readFileSync(file);
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      writeFileSync(file, bytes);
    }
  });
  const result = await cluster.run({ name: "spoiled", ...RARE });
  expect(result.weightsDigest).toBe(digest);
  expect(reducer.assigned[0]?.version).toBe(0);
  expect(cluster.log).toContain("checkpoint is skipped");
});

test("with staleness, the weights that the next answers come from are made again after the loss of a reducer", async () => {
  const stale = { ...RARE, staleness: 2, iterations: 6 };
  hooks.lane = undefined;
  const { weightsDigest } = await cluster.run({ name: "ahead", ...stale });
  // The answers of iteration 4 come from version 4, and are not all there when the reducer is lost.
  let release: () => void = () => undefined;
  const isLost = new Promise<void>((resolve) => (release = resolve));
  hooks.group = async (group) => {
    if (group.run === "ahead-lost" && group.groupKey === "4/train/1") await isLost;
    return group;
  };
  replaceReducerAt(7, async () => release());
  const result = await cluster.run({ name: "ahead-lost", ...stale });
  hooks.group = undefined;
  expect(result.weightsDigest).toBe(weightsDigest);
  const planned = cluster.eventsOf("iteration-planned", "ahead-lost");
  expect(planned.map(({ weights }) => weights.version)).toEqual([0, 0, 0, 2, 4, 6]);
  const [assigned] = reducer.assigned;
  expect(assigned?.version).toBeGreaterThan(0);
  expect(assigned?.version).toBeLessThanOrEqual(4);
  expect(existsSync(recovery("ahead-lost"))).toBe(false);
});

test("after a crash of the coordinator a run goes on from its recovery point", async () => {
  hooks.lane = async (report) => {
    if (report.update === 5) await cluster.endCoordinator("SIGKILL");
    return report;
  };
  await cluster.submit({ name: "crashed", ...RARE });
  await until("the coordinator is dead", () => !cluster.isRunning);
  hooks.lane = undefined;
  const before = reducer.assigned.length;
  await cluster.startCoordinator({ GUMSHOE_RECOVERY_SECONDS: "0" });
  expect((await cluster.result("crashed")).weightsDigest).toBe(digest);
  expect(reducer.assigned[before]?.version).toBeGreaterThanOrEqual(4);
});
