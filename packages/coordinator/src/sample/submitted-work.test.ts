/** Invalid submissions of a worker: each is rejected with its reason, and the run is unaffected. */
import type { ClusterError } from "@gumshoe/core";
import { NO_METRICS } from "@gumshoe/grpo";
import {
  type CompleteLaneRequest,
  FleetService,
  floatsToBytes,
  type LaneMetrics,
  PROTOCOL_VERSION,
  type RolloutResult,
  type SubmitGroupRequest,
  tokensToBytes,
} from "@gumshoe/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster } from "../../../../test/support/fake-cluster.js";
import type { FakeHooks } from "../../../../test/support/fake-workers.js";

let cluster: FakeCluster;
const refusals = new Map<string, string>();
let digests: string[] = [];

const metrics = (changes: Partial<LaneMetrics>): LaneMetrics => ({
  ...NO_METRICS,
  logprobGapAt: undefined,
  ...changes,
});
const floats = (...values: number[]) => floatsToBytes(Float32Array.from(values));

/** One invalid rollout per case; a case's name begins with the text of the rejection. */
const FALSE_ROLLOUTS: Readonly<Record<string, Partial<RolloutResult>>> = {
  "has a log-prob of NaN": { tokens: tokensToBytes([1]), logprobs: floats(Number.NaN) },
  "has a log-prob of -Infinity": {
    tokens: tokensToBytes([1]),
    logprobs: floats(Number.NEGATIVE_INFINITY),
  },
  "has a log-prob of 0.5": { tokens: tokensToBytes([1]), logprobs: floats(0.5) },
  "has reward NaN": { reward: Number.NaN },
  "has reward Infinity": { reward: Number.POSITIVE_INFINITY },
  "has token -1": { tokens: tokensToBytes([-1]), logprobs: floats(-1) },
  "has token 2147483647": { tokens: tokensToBytes([2_147_483_647]), logprobs: floats(-1) },
  "has 1.25 tokens": { tokens: Buffer.alloc(5), logprobs: floats(-1) },
  "has 10000 tokens, at most": {
    tokens: tokensToBytes(Array.from({ length: 10_000 }, () => 1)),
    logprobs: floats(...Array.from({ length: 10_000 }, () => -1)),
  },
  "has a finish that is none of stop, stop-string, length, early-stop": {
    finish: "x".repeat(100_000),
  },
  "has a text of 20000000 characters": { text: "x".repeat(20_000_000) },
  "has a reason of 1000000 characters": { gradingError: "x".repeat(1_000_000) },
  "has 1000 metrics": {
    metrics: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`m${i}`, 1])),
  },
  "has a metric with a long name": { metrics: { ["x".repeat(1000)]: 1 } },
};

const FALSE_REPORTS: Readonly<Record<string, Partial<CompleteLaneRequest>>> = {
  "the update has 2 lanes": { lane: 998 },
  "its metrics are missing": { metrics: undefined },
  "the gradient's digest is no SHA-256": { gradientDigest: "x".repeat(50_000) },
  "the log-prob gap is NaN": { metrics: metrics({ logprobGapMax: Number.NaN }) },
  "the log-prob gap is -1": { metrics: metrics({ logprobGapMax: -1 }) },
  "the group of the log-prob gap has a name that is too long": {
    metrics: metrics({ logprobGapAt: { groupKey: "x".repeat(10_000), rollout: 0, token: 0 } }),
  },
};

async function note(lie: string, call: Promise<unknown>): Promise<void> {
  const said = await call.then(String, ({ code, message }: ClusterError) => `${code} ${message}`);
  refusals.set(lie, said);
}

const lying: FakeHooks = {
  group: async (group, submit) => {
    if (group.groupKey !== "0/train/0") return group;
    const [first, ...others] = group.rollouts as [RolloutResult, ...RolloutResult[]];
    const withFirst = (changes: Partial<RolloutResult>): SubmitGroupRequest => ({
      ...group,
      workerId: "liar",
      rollouts: [{ ...first, ...changes }, ...others],
    });
    for (const [lie, changes] of Object.entries(FALSE_ROLLOUTS)) {
      await note(lie, submit(withFirst(changes)));
    }
    await submit(group);
    // A group that is already stored must not exempt an invalid repetition from validation.
    await note("afterwards", submit(withFirst({ reward: Number.NaN })));
    return group;
  },
  lane: async (report, complete) => {
    if (report.update !== 0 || report.lane !== 0) return report;
    for (const [lie, changes] of Object.entries(FALSE_REPORTS)) {
      await note(lie, complete({ ...report, workerId: "liar", ...changes }));
    }
    return report;
  },
};

beforeAll(async () => {
  const plain = await FakeCluster.start();
  await plain.addWorkers();
  digests = [(await plain.run()).weightsDigest];
  await plain.close();
  cluster = await FakeCluster.start();
  await cluster.addWorkers(lying);
  digests.push((await cluster.run()).weightsDigest);
});
afterAll(() => cluster.close());

test("a run with invalid submissions ends with the weights of a run without them", () => {
  expect(digests[1]).toBe(digests[0]);
});

test.each(Object.keys(FALSE_ROLLOUTS))("a group with a rollout that %s is rejected", (lie) => {
  const said = refusals.get(lie);
  expect(said).toContain("INVALID_ARGUMENT");
  expect(said).toContain(`group 0/train/0 of worker liar: rollout 0 ${lie}`);
  expect(said?.length).toBeLessThan(400);
});

test.each(Object.keys(FALSE_REPORTS))("a lane is rejected when %s", (lie) => {
  const said = refusals.get(lie);
  expect(said).toContain("INVALID_ARGUMENT");
  expect(said).toContain(lie);
  expect(said?.length).toBeLessThan(400);
});

test("an invalid repetition of a stored group does not end the run", () => {
  expect(refusals.get("afterwards")).toContain("has reward NaN");
});

test("rejections are logged with the worker's id", () => {
  const lines = cluster.log.split("\n").filter((line) => line.includes("a worker submitted"));
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.filter((line) => line.includes('"workerId":"liar"')).length).toBeGreaterThan(10);
});

test("a registration with an invalid role, host or address is rejected with a short message", async () => {
  const fleet = cluster.workers.coordinator.client(FleetService);
  const honest = {
    workerId: "w",
    role: "trainer",
    host: "h",
    pid: 1,
    device: "cpu x1",
    memoryBytes: 1,
    address: "127.0.0.1:1",
    protocolVersion: PROTOCOL_VERSION,
  };
  const lies = {
    role: "x",
    host: "h".repeat(300),
    device: "",
    address: "nowhere",
    workerId: "w".repeat(101),
  };
  for (const [field, value] of Object.entries(lies)) {
    await expect(fleet.register({ ...honest, [field]: value })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  }
  const vitals = { state: "busy", job: "", jobAgeMs: 0, weightVersion: 0, jobsDone: 0 };
  const heartbeat = {
    workerId: "w",
    activeJobs: [],
    waitingFor: "",
    tokensPerSecond: Number.NaN,
    tokensDone: 0,
    ...vitals,
  };
  await expect(fleet.heartbeat(heartbeat)).rejects.toThrow("tokens_per_second: is NaN");
});
