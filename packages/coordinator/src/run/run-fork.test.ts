/** Forks of runs, with a real coordinator process, a real Redis and fake workers. */
import { readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster } from "../../../../test/support/fake-cluster.js";

let cluster: FakeCluster;
let digest: string;
beforeAll(async () => {
  cluster = await FakeCluster.start();
  await cluster.addWorkers();
  digest = (await cluster.run({ name: "first" })).weightsDigest;
});
afterAll(() => cluster.close());

function fork(changes: Record<string, unknown>, checkpoint = "2", run = "first") {
  const config = cluster.config(changes);
  return cluster.users.submitRun({ config, forkOf: { run, checkpoint } });
}

/** Times of the events that are copied from the other run, in ms. */
function timesOfShared(name: string): number[] {
  const text = readFileSync(join(cluster.runFolder(name), "ledger/events.jsonl"), "utf8");
  const events = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line.slice(9)) as { at: number; body: { type: string } });
  const end = events.findIndex(({ body }) => body.type === "run-forked");
  return events.slice(0, end).map(({ at }) => at);
}

test("a fork has the shared iterations, and ends with the same weights after a kill", async () => {
  const made = await fork({ name: "same" });
  // The time between the first run and the fork is no time of work: the checkpoint is as old as the last event.
  const times = timesOfShared("same");
  expect(times.at(-1)).toBe(times.at(-2));
  expect(made.forkedFrom).toEqual({ run: "first", iterations: 2 });
  await cluster.untilEvents("iteration-planned", 3, "same");
  await cluster.endCoordinator("SIGKILL");
  await cluster.startCoordinator();
  expect((await cluster.result("same")).weightsDigest).toBe(digest);
  const groups = (name: string) =>
    cluster
      .eventsOf("group-done", name)
      .map(({ groupKey, rewards }) => `${groupKey} ${rewards.join(" ")}`)
      .sort();
  expect(groups("same")).toEqual(groups("first"));
  // The run that it was forked from is not needed any more.
  await cluster.users.forgetRun({ name: "first" });
  const again = await fork({ name: "second" }, "2", "same");
  expect(again.forkedFrom).toEqual({ run: "same", iterations: 2 });
  expect((await cluster.result("second")).weightsDigest).toBe(digest);
  expect(readdirSync(join(cluster.home, "runs")).sort()).toEqual(["same", "second"]);
}, 60_000);

test("a fork that is submitted again is found, and its name is not taken for another", async () => {
  const known = await fork({ name: "second" }, "2", "same");
  expect(known).toMatchObject({ name: "second", iterationsDone: 3 });
  await expect(fork({ name: "second" }, "3", "same")).rejects.toThrow(
    "run second exists with another config: it is no fork of same@3",
  );
  await expect(fork({ name: "second", seed: 6 }, "2", "same")).rejects.toThrow("seed is 5 there");
});

test.each([
  [{ model: "models/rookie" }, "2", /^model: differs from that of same: a fork continues with/],
  [{ lora: { rank: 2 } }, "2", /^lora: differs from that of same/],
  [{ iterations: 2 }, "2", /^iterations: is 2, but the fork begins after 2 iterations; set more/],
  [{ loss: { klCoefficient: 0.1 }, reference: { refreshEvery: 4 }, iterations: 8 }, "3", null],
  [{ loss: { klCoefficient: 0.1 }, reference: { refreshEvery: 1 }, iterations: 8 }, "3", null],
  [
    {
      tasks: {
        source: { type: "generate", tier: "mini" },
        perIteration: 4,
        curriculum: { tiers: ["mini", "easy"] },
      },
      maxPackTokens: 8192,
    },
    "2",
    /^tasks.curriculum: needs the tiers and tasks.perIteration of same/,
  ],
  [{}, "1", /^run same: checkpoint 1 was never written/],
  [{}, "0", /^run same: checkpoint 0 is the model that the run starts from: submit the config/],
  [{}, "newest", /^checkpoint: "newest" is not best, latest or an iteration/],
])("%j at checkpoint %s", async (changes, checkpoint, problem) => {
  const forked = fork({ name: "other", iterations: 6, ...changes }, checkpoint, "same");
  if (problem === null) {
    await expect(forked).resolves.toMatchObject({ forkedFrom: { run: "same" } });
    await cluster.users.cancelRun({ name: "other" });
    await cluster.users.forgetRun({ name: "other" });
  } else {
    await expect(forked).rejects.toThrow(problem);
  }
  expect(readdirSync(join(cluster.home, "runs")).sort()).toEqual(["same", "second"]);
});

test("a fork of a run with staleness keeps nothing that was sampled ahead, and begins its schedule anew", async () => {
  const stale = { staleness: 2, iterations: 5, checkpoint: { every: 2, keepLatest: 9 } };
  await cluster.run({ name: "ahead", ...stale });
  const versions = (name: string) =>
    cluster.eventsOf("iteration-planned", name).map(({ weights }) => weights.version);
  expect(versions("ahead")).toEqual([0, 0, 0, 2, 4]);
  const results = [];
  for (const name of ["ahead-fork", "ahead-again"]) {
    await fork({ name, ...stale }, "2", "ahead");
    results.push((await cluster.result(name)).weightsDigest);
    expect(versions(name)).toEqual([0, 0, 4, 4, 4]);
    const keys = cluster.eventsOf("group-done", name).map(({ groupKey }) => groupKey);
    expect(new Set(keys).size).toBe(keys.length);
  }
  expect(results[0]).toBe(results[1]);
  for (const name of ["ahead", "ahead-fork", "ahead-again"])
    await cluster.users.forgetRun({ name });
});

test("a run that is gone, or whose checkpoint was deleted, cannot be forked", async () => {
  await expect(fork({ name: "other" }, "2", "first")).rejects.toThrow("there is no run first");
  const blob = cluster.eventsOf("group-done", "second")[0]?.blob ?? "";
  const file = join(cluster.home, "runs/second/blobs", blob);
  renameSync(file, `${file}.away`);
  await expect(fork({ name: "other" }, "2", "second")).rejects.toThrow(
    `${file}: it is gone, so the run cannot be forked`,
  );
  renameSync(`${file}.away`, file);
  expect(readdirSync(join(cluster.home, "runs")).sort()).toEqual(["same", "second"]);
  rmSync(join(cluster.home, "runs/second/checkpoints/2"), { recursive: true });
  await expect(fork({ name: "other", iterations: 6 }, "2", "second")).rejects.toThrow(
    "run second: checkpoint 2 is gone: iteration 2 is not kept any more",
  );
  const reference = { loss: { klCoefficient: 0.1 }, reference: { refreshEvery: 2 } };
  await expect(fork({ name: "other", iterations: 6, ...reference }, "3", "second")).rejects.toThrow(
    "reference.refreshEvery: makes the weights after iteration 2 the reference, and second has no checkpoint of them",
  );
});
