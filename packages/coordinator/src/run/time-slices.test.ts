import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster } from "../../../../test/support/fake-cluster.js";

let cluster: FakeCluster;
let digest: string;

beforeAll(async () => {
  cluster = await FakeCluster.start({ GUMSHOE_SLICE_SECONDS: "0" });
  await cluster.addWorkers();
  digest = (await cluster.run({ name: "alone" })).weightsDigest;
});
afterAll(() => cluster.close());

/** When each iteration of the given runs was done, in order, as the runs' names. */
function order(...names: string[]): string {
  const ends = names.flatMap((name) =>
    cluster.timedEvents(name).flatMap(({ at, body }) => {
      return body.type === "iteration-done" ? [{ at, name }] : [];
    }),
  );
  return ends
    .sort((a, b) => a.at - b.at)
    .map(({ name }) => name)
    .join(" ");
}

test("runs of one priority alternate, and each ends with the weights that it has alone", async () => {
  await cluster.submit({ name: "a" });
  await cluster.submit({ name: "b" });
  const results = [await cluster.result("a"), await cluster.result("b")];
  expect(results.map(({ weightsDigest }) => weightsDigest)).toEqual([digest, digest]);
  expect(order("a", "b")).toBe("a b a b a b");
  expect(cluster.eventsOf("run-paused", "a").length).toBe(2);
});

test("runs that sample ahead alternate, too", async () => {
  const ahead = { staleness: 1, iterations: 5, checkpoint: { every: 5 }, validation: null };
  const { weightsDigest } = await cluster.run({ ...ahead, name: "ahead-alone" });
  await cluster.submit({ ...ahead, name: "ahead-a" });
  await cluster.submit({ ...ahead, name: "ahead-b" });
  const results = [await cluster.result("ahead-a"), await cluster.result("ahead-b")];
  expect(results.map((result) => result.weightsDigest)).toEqual([weightsDigest, weightsDigest]);
  // Each slice lasts until the weights on disk are those that sampling goes on from.
  expect(cluster.eventsOf("run-paused", "ahead-a").length).toBeGreaterThan(0);
  const made = cluster.log.match(/ahead-a.*a recovery point was written/g) ?? [];
  expect(made.length).toBeGreaterThan(0);
});

test("a run of a higher priority runs to its end", async () => {
  await cluster.submit({ name: "usual" });
  await cluster.users.submitRun({ config: cluster.config({ name: "urgent" }), priority: 3 });
  const waiting = await cluster.users.getRun({ name: "usual" });
  expect(waiting.priority).toBe(0);
  await cluster.result("urgent");
  await cluster.result("usual");
  expect(order("usual", "urgent")).toBe("usual urgent urgent urgent usual usual");
});

test("the order survives a kill of the coordinator, with the same weights", async () => {
  await cluster.submit({ name: "c" });
  await cluster.submit({ name: "d" });
  await cluster.untilEvents("run-paused", 1, "d");
  await cluster.endCoordinator("SIGKILL");
  await cluster.startCoordinator({ GUMSHOE_SLICE_SECONDS: "0" });
  const results = [await cluster.result("c"), await cluster.result("d")];
  expect(results.map(({ weightsDigest }) => weightsDigest)).toEqual([digest, digest]);
});

test("a waiting run says what it waits for, and can be moved ahead or cancelled", async () => {
  const runs = ["first", "second", "third"];
  for (const name of runs) await cluster.submit({ name, iterations: 200 });
  const { ahead } = await cluster.users.getRun({ name: "third" });
  expect(ahead.length).toBeGreaterThan(0);
  const moved = await cluster.users.prioritizeRun({ name: "third", priority: 1 });
  expect(moved.priority).toBe(1);
  await cluster.untilEvents("iteration-done", 2, "third");
  expect((await cluster.users.getRun({ name: "first" })).ahead).toContain("third");
  for (const name of runs) await cluster.users.cancelRun({ name });
  await expect(cluster.users.prioritizeRun({ name: "third", priority: 0 })).rejects.toThrow(
    "run third has ended (cancelled)",
  );
  await expect(cluster.users.prioritizeRun({ name: "first", priority: 101 })).rejects.toThrow(
    /^priority: must be a whole number/,
  );
});
