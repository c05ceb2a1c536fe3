/**
 * Fifty workers that use the real protocol, in separate processes, some of which are killed during
 * jobs: their leases expire, others do the jobs, and every group is in the ledger once.
 */
import type { ChildProcess } from "node:child_process";

import { SimulatedFleet } from "@gumshoe/bench";
import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster, TOKEN, until } from "../support/fake-cluster.js";
import { FakeReducer, FakeTrainer } from "../support/fake-workers.js";

const NUM_GROUPS = 1000;
const RUN = "large";

let cluster: FakeCluster;
const fleet = new SimulatedFleet();

function startPeer(name: string, workers: number): Promise<ChildProcess> {
  return fleet.add({
    name,
    workers,
    coordinator: cluster.address,
    token: TOKEN,
    redisUrl: cluster.redis.url,
    cluster: cluster.link.cluster,
    groupMs: 100,
  });
}

beforeAll(async () => {
  // Twenty workers in a process are silent for long where a machine is busy.
  cluster = await FakeCluster.start({ GUMSHOE_LOST_SECONDS: "10" });
  await cluster.add(new FakeReducer(cluster.workers, "reducer-1"));
  await cluster.add(new FakeTrainer(cluster.workers, "trainer-1"));
});
afterAll(async () => {
  await fleet.stop();
  await cluster.close();
});

function lostWorkers(): Set<string> {
  const said = cluster.log
    .split("\n")
    .filter((line) => line.includes("stopped sending heartbeats"));
  return new Set(said.map((line) => (JSON.parse(line) as { workerId: string }).workerId));
}

test("no result is lost or duplicated when 20 of 50 workers are killed", async () => {
  const [, , dying] = await Promise.all([
    startPeer("steady", 20),
    startPeer("calm", 10),
    startPeer("dying", 20),
  ]);
  const source = { type: "generate", tier: "mini", seed: 1 };
  await cluster.submit({
    name: RUN,
    iterations: 1,
    updatesPerIteration: 1,
    lanes: 8,
    validation: null,
    tasks: { source, perIteration: NUM_GROUPS },
    rollouts: { perTask: 2 },
  });
  await cluster.untilEvents("group-done", 200, RUN);
  dying.kill("SIGKILL");
  const result = await cluster.result(RUN);
  expect(result.updates).toBe(1);

  const groups = cluster.eventsOf("group-done", RUN);
  const keys = new Set(groups.map(({ groupKey }) => groupKey));
  expect(keys).toEqual(new Set(Array.from({ length: NUM_GROUPS }, (_, i) => `0/train/${i}`)));
  expect(groups).toHaveLength(NUM_GROUPS);
  // The run may end before the killed workers count as lost.
  await until("twenty workers are lost", () => lostWorkers().size >= 20);
  expect(lostWorkers()).toEqual(new Set(Array.from({ length: 20 }, (_, i) => `dying-${i + 1}`)));
}, 60_000);
