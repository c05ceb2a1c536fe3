/** Workers that die repeatedly at one place: the run ends as stuck, and continues when it is submitted again. */
import { FleetService, PROTOCOL_VERSION, RunState } from "@gumshoe/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster } from "../../../../test/support/fake-cluster.js";
import { FakeReducer } from "../../../../test/support/fake-workers.js";

let cluster: FakeCluster;
beforeAll(async () => {
  cluster = await FakeCluster.start();
  await cluster.add(new FakeReducer(cluster.workers, "reducer-1"));
});
afterAll(() => cluster.close());

/** Registers an inference worker that gets a job at once; its supervisor then reports how it ended. */
async function dieAs(pid: number, end: string) {
  const fleet = cluster.workers.coordinator.client(FleetService);
  const worker = { workerId: `sampler-${pid}`, role: "inference", host: "box", pid };
  const machine = { device: "cpu x1", memoryBytes: 1, address: `127.0.0.1:${7100 + pid}` };
  await fleet.register({ ...worker, ...machine, protocolVersion: PROTOCOL_VERSION });
  const { workerId, role, host } = worker;
  const vitals = {
    state: "busy",
    weightVersion: 0,
    jobsDone: 0,
    tokensPerSecond: 0,
    tokensDone: 0,
  };
  const job = { job: "small/0/train/0", jobAgeMs: 0, activeJobs: [], waitingFor: "" };
  await fleet.heartbeat({ workerId, ...vitals, ...job });
  await fleet.reportEnd({ role, host, pid, end });
}

test("a run whose worker dies three times at one place is stuck, even if the coordinator dies in between", async () => {
  const cause = "killed by the system, out of memory: it held 8.8 of 24.0 GB";
  await cluster.submit();
  await cluster.untilEvents("iteration-planned", 1);
  await dieAs(1, "SIGKILL");
  await cluster.untilEvents("worker-lost", 1);
  await dieAs(2, "SIGKILL");
  await cluster.untilEvents("worker-lost", 2);
  expect((await cluster.users.getRun({ name: "small" })).state).toBe(RunState.RUNNING);

  await cluster.endCoordinator("SIGKILL");
  await cluster.startCoordinator({ GUMSHOE_PREVIOUS_END: "exit code 134" });
  await dieAs(3, cause);
  await expect(cluster.result()).rejects.toThrow(
    "stuck in iteration 1, after update 0, at job small/0/train/0: inference died 3 times without any progress between, " +
      `the last time: ${cause}; give the machine more memory or fewer workers`,
  );
  const lost = cluster.eventsOf("worker-lost").map(({ role, cause: end }) => [role, end]);
  expect(lost).toEqual([
    ["inference", "SIGKILL"],
    ["inference", "SIGKILL"],
    ["coordinator", "exit code 134"],
    ["inference", cause],
  ]);
  expect(cluster.eventsOf("run-stuck")).toEqual([
    expect.objectContaining({ role: "inference", deaths: 3, cause }),
  ]);
  await cluster.endCoordinator("SIGTERM");
  await cluster.startCoordinator();
  expect((await cluster.users.getRun({ name: "small" })).state).toBe(RunState.STUCK);
}, 90_000);

test("a stuck run continues when it is submitted again", async () => {
  await cluster.addWorkers();
  const result = await cluster.run();
  expect(result).toMatchObject({ iterations: 3, updates: 6 });
  expect(cluster.eventsOf("run-stuck")).toHaveLength(1);
}, 90_000);
