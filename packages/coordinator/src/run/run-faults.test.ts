/** Faults of workers, disks and Redis, and their effect on the run. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  FetchGroupRequest,
  type LaneMetrics,
  RolloutService,
  type SubmitGroupRequest,
} from "@gumshoe/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster, until } from "../../../../test/support/fake-cluster.js";
import {
  type FakeHooks,
  FakeInference,
  FakeReducer,
  FakeTrainer,
} from "../../../../test/support/fake-workers.js";

let cluster: FakeCluster;
let digest: string;
let reducer: FakeReducer;
beforeAll(async () => {
  cluster = await FakeCluster.start();
  reducer = await cluster.add(new FakeReducer(cluster.workers, "reducer-1"));
  digest = (await run("plain")).weightsDigest;
});
afterAll(() => cluster.close());

/** Executes a run with one sampler and one trainer of its own. */
async function run(name: string, hooks: FakeHooks = {}, changes: Record<string, unknown> = {}) {
  const workers = [
    new FakeInference(cluster.workers, `inference-${name}`, hooks),
    new FakeTrainer(cluster.workers, `trainer-${name}`, hooks),
  ];
  for (const worker of workers) await worker.start();
  try {
    return await cluster.run({ name, ...changes });
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

const changed = (group: SubmitGroupRequest, reward: number): SubmitGroupRequest => ({
  ...group,
  rollouts: group.rollouts.map((rollout) => ({ ...rollout, reward })),
});

test("a group that is submitted twice at the same time counts once", async () => {
  const group: FakeHooks["group"] = async (one, submit) => {
    const copies = ["a", "b"].map((workerId) => submit({ ...one, workerId }));
    await Promise.all(copies);
    return one;
  };
  expect((await run("doubled", { group })).weightsDigest).toBe(digest);
  const keys = cluster.eventsOf("group-done", "doubled").map(({ groupKey }) => groupKey);
  expect(new Set(keys).size).toBe(keys.length);
});

test("a group that comes out differently a second time ends the run", async () => {
  const group: FakeHooks["group"] = async (one, submit) => {
    await submit(one);
    return changed(one, 0.125);
  };
  await expect(run("different", { group })).rejects.toThrow(
    /group 0\/\w+\/\d+ was sampled twice, with different results/,
  );
});

test("a group from other weights is rejected, and so is an incomplete one", async () => {
  const refusals: string[] = [];
  const group: FakeHooks["group"] = async (one, submit) => {
    const [first] = one.rollouts;
    const bad = [
      { ...one, weights: { version: 0, digest: "0".repeat(64) } },
      { ...one, rollouts: one.rollouts.slice(1) },
      { ...one, rollouts: one.rollouts.map((r) => ({ ...r, logprobs: r.logprobs.subarray(4) })) },
      {
        ...one,
        rollouts: one.rollouts.map((r) => (r === first ? { ...r, tokens: Buffer.alloc(0) } : r)),
      },
    ];
    for (const attempt of one.groupKey === "0/train/0" ? bad : []) {
      refusals.push(await submit(attempt).then(String, (error: unknown) => String(error)));
    }
    return one;
  };
  expect((await run("wrong", { group })).weightsDigest).toBe(digest);
  expect(refusals).toEqual([
    expect.stringContaining(`was sampled from weights ${"0".repeat(64)}, not `),
    expect.stringMatching(/\d rollouts, not \d/),
    expect.stringMatching(/rollout 0 has \d+ sampled tokens and \d+ log-probs/),
    expect.stringMatching(/rollout 0 has 0 tokens/),
  ]);
});

test("an answer that could not be scored is in no mean, and is counted; so is the time of grading", async () => {
  const group: FakeHooks["group"] = async (one) => ({
    ...one,
    gradingMs: 250,
    rollouts: one.rollouts.map((rollout, index) =>
      index > 0 ? rollout : { ...rollout, reward: undefined, gradingError: "no checker" },
    ),
  });
  const result = await run("unscored", { group });
  // Three tasks with a sampled and a greedy answer each: none of them has a reward.
  expect(result.validation[0]).toMatchObject({ count: 0, unscored: 6 });
  const [sampled] = cluster.eventsOf("group-done", "unscored");
  expect(sampled?.rewards[0]).toBeNull();
  const [metrics] = readFileSync(
    join(cluster.runFolder("unscored"), "metrics.jsonl"),
    "utf8",
  ).split("\n");
  expect(JSON.parse(metrics ?? "")).toMatchObject({ numRollouts: 16, numUnscored: 4 });
  // Four groups that are learnt from, six of the validation.
  expect(JSON.parse(metrics ?? "")).toMatchObject({ gradingSeconds: 2.5 });
});

test("metrics of a grader that are not finite are counted and left out of all means", async () => {
  const group: FakeHooks["group"] = async (one) => ({
    ...one,
    rollouts: one.rollouts.map((rollout, index) => ({
      ...rollout,
      metrics: { huge: 1.7e308, odd: index === 0 ? NaN : 1 },
    })),
  });
  expect((await run("huge", { group })).weightsDigest).toBe(digest);
  const [line = ""] = readFileSync(join(cluster.runFolder("huge"), "metrics.jsonl"), "utf8").split(
    "\n",
  );
  const figures = JSON.parse(line) as Record<string, number>;
  expect(figures).toMatchObject({
    "graded.huge.notFinite": 16,
    "graded.odd": 1,
    "graded.odd.notFinite": 4,
  });
  expect(figures).not.toHaveProperty(["graded.huge"]);
  expect(cluster.log.split("graded.huge has values").length - 1).toBe(1);
  // Restart, so that the whole ledger is read back.
  await cluster.endCoordinator("SIGKILL");
  await cluster.startCoordinator();
  expect((await cluster.result("huge")).weightsDigest).toBe(digest);
});

test("a reward that is not a number within bounds is rejected", async () => {
  const refusals: string[] = [];
  const group: FakeHooks["group"] = async (one, submit) => {
    for (const reward of one.groupKey === "0/train/0" ? [NaN, Infinity, 1.7e308] : []) {
      refusals.push(
        await submit(changed(one, reward)).then(String, (error: unknown) => String(error)),
      );
    }
    return one;
  };
  expect((await run("rich", { group })).weightsDigest).toBe(digest);
  expect(refusals).toEqual(
    ["NaN", "Infinity", "1.7e+308"].map(
      (reward) => expect.stringContaining(`rollout 0 has reward ${reward}, not a number`) as string,
    ),
  );
});

test("an update whose figures are not finite ends the run before the weights change", async () => {
  const lane: FakeHooks["lane"] = async (report) => {
    const metrics = { ...(report.metrics as LaneMetrics), loss: Number.NaN };
    return report.update < 2 ? report : { ...report, metrics };
  };
  await expect(run("diverged", { lane })).rejects.toThrow(
    "the run has diverged: in update 2, loss is NaN; start another run with a lower optimizer.lr",
  );
  expect(cluster.eventsOf("update-done", "diverged")).toHaveLength(2);
  // Submitted again after a restart it fails the same way: the ledger can be read.
  await cluster.endCoordinator("SIGTERM");
  await cluster.startCoordinator();
  await expect(cluster.result("diverged")).rejects.toThrow("the run has diverged");
});

test("a run ends after the first iteration in which no answer could be scored, and gives the reason", async () => {
  const group: FakeHooks["group"] = async (one) => ({
    ...one,
    rollouts: one.rollouts.map((rollout) => ({
      ...rollout,
      reward: undefined,
      gradingError: "no checker",
    })),
  });
  await expect(run("blind", { group }, { iterations: 12 })).rejects.toThrow(
    "no answer of iteration 0 could be scored: no checker",
  );
  expect(cluster.eventsOf("iteration-done", "blind")).toHaveLength(1);
});

test("fetching a group that is not needed fails with NOT_FOUND", async () => {
  const rollouts = cluster.workers.coordinator.client(RolloutService);
  const request = FetchGroupRequest.create({ run: "plain", groupKey: "0/train/0" });
  await expect(rollouts.fetchGroup(request)).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("a log-prob gap ends the run, and the error names the token", async () => {
  const lane: FakeHooks["lane"] = async (report) => ({
    ...report,
    metrics: {
      ...(report.metrics as LaneMetrics),
      logprobGapMax: 1e-9,
      logprobGapAt: { groupKey: "0/train/2", rollout: 1, token: 3 },
    },
  });
  await expect(run("gap", { lane })).rejects.toThrow(
    "0/train/2 rollout 1 token 3: sampler and trainer differ by 1e-9 nats",
  );
});

test("a sampled token that the trainer excludes ends the run, with the same weights or without a truncation", async () => {
  const excluding =
    (fromUpdate: number): FakeHooks["lane"] =>
    async (report) => {
      const metrics = { ...(report.metrics as LaneMetrics), numExcluded: 3 };
      return report.update < fromUpdate ? report : { ...report, metrics };
    };
  await expect(run("excluded", { lane: excluding(0) })).rejects.toThrow(
    /^lane 0\/\d: the trainer excludes 3 tokens that the sampler drew/,
  );
  await expect(run("infinite", { lane: excluding(1) })).rejects.toThrow(
    "in update 1, the log-prob of a token is -Infinity",
  );
});

test("a lane whose gradient comes out differently a second time ends the run", async () => {
  const lane: FakeHooks["lane"] = async (report, complete) => {
    if (report.lane !== 0) return report;
    await complete(report);
    return { ...report, gradientDigest: "0".repeat(64) };
  };
  await expect(run("gradients", { lane }, { lanes: 4 })).rejects.toThrow(
    "lane 0/0 was computed twice, with different gradients",
  );
});

test("after the loss and return of a reducer, its updates are recomputed with the same weights", async () => {
  let updates = 0;
  const joining: Promise<unknown>[] = [];
  const lane: FakeHooks["lane"] = async (report) => {
    updates += 1;
    if (updates === 11) {
      await reducer.stop();
      reducer = new FakeReducer(cluster.workers, "reducer-1");
      joining.push(cluster.add(reducer));
    }
    return report;
  };
  expect((await run("reborn", { lane })).weightsDigest).toBe(digest);
  await Promise.all(joining);
  expect(reducer.assigned).toMatchObject([{ version: 4 }]);
  expect(cluster.eventsOf("update-done", "reborn")).toHaveLength(6);
});

test("after FLUSHALL in Redis the open jobs are put back", async () => {
  let groups = 0;
  const group: FakeHooks["group"] = async (one) => {
    groups += 1;
    if (groups === 4) await cluster.link.commands.flushall();
    return one;
  };
  expect((await run("flushed", { group })).weightsDigest).toBe(digest);
  expect(cluster.log).toContain("jobs that the queue had lost were added again");
});

test("the loss of a worker is recorded with its current job", async () => {
  const silent = new FakeInference(cluster.workers, "silent", {
    group: () => new Promise(() => undefined),
  });
  await silent.start();
  await cluster.submit({ name: "silence" });
  await until("it has a job", () => cluster.eventsOf("iteration-planned", "silence").length > 0);
  silent.hang();
  await cluster.untilEvents("worker-lost", 1, "silence");
  const [lost] = cluster.eventsOf("worker-lost", "silence");
  expect(lost).toMatchObject({ workerId: "silent", role: "inference", job: "a-job" });
  await cluster.users.cancelRun({ name: "silence" });
  await silent.stop();
});

test("a second coordinator is rejected: in the same home, and with the same Redis", async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "gumshoe-second-"));
  const listen = { GUMSHOE_LISTEN: "127.0.0.1:0" };
  const before = cluster.log.length;
  const sameHome = cluster.spawnCoordinator(listen);
  const sameRedis = cluster.spawnCoordinator({ ...listen, GUMSHOE_HOME: elsewhere });
  const codes = await Promise.all([sameHome, sameRedis].map((child) => once(child, "close")));
  rmSync(elsewhere, { recursive: true, force: true });
  expect(codes.map(([code]) => code as number)).toEqual([1, 1]);
  const said = cluster.log.slice(before);
  expect(said).toContain(`a coordinator already works in ${cluster.home}`);
  expect(said).toMatch(/coordinator on .*, pid \d+/);
});

/** Flips one bit of a file while the coordinator is down, and resumes the run. */
async function spoil(name: string, event: "checkpoint-written" | "group-done", file: () => string) {
  const workers = [
    new FakeInference(cluster.workers, `inference-${name}`),
    new FakeTrainer(cluster.workers, `trainer-${name}`),
  ];
  for (const worker of workers) await worker.start();
  try {
    await cluster.submit({ name });
    await cluster.untilEvents(event, 1, name);
    await cluster.endCoordinator("SIGKILL");
    const bytes = readFileSync(file());
    const at = bytes.length - 5;
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(file(), bytes);
    await cluster.startCoordinator();
    return await cluster.result(name);
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

test.each([
  { name: "weights", file: "model.safetensors", said: "holds weights" },
  { name: "moments", file: "optimizer.moments", said: "the bytes of optimizer.moments" },
])("a checkpoint with damaged $name is skipped", async ({ name, file, said }) => {
  const folder = () => join(cluster.runFolder(name), "checkpoints/2");
  const result = await spoil(name, "checkpoint-written", () => join(folder(), file));
  expect(result.weightsDigest).toBe(digest);
  expect(cluster.log).toContain(said);
});

test("a damaged blob ends the run with the name of its file", async () => {
  const blob = () => cluster.eventsOf("group-done", "rotten")[0]?.blob ?? "";
  const file = () => join(cluster.runFolder("rotten"), "blobs", blob());
  await expect(spoil("rotten", "group-done", file)).rejects.toThrow(
    /blobs\/[0-9a-f]{64}: its bytes have changed/,
  );
});

test("tasks that come out differently when a run is resumed end it, and the error names the field", async () => {
  // A path that is computed is part of no digest.
  const folder = mkdtempSync(join(tmpdir(), "gumshoe-tasks-"));
  const words = join(folder, "words.txt");
  writeFileSync(words, "first");
  const module = join(folder, "tasks.mjs");
  writeFileSync(
    module,
    `import { readFileSync } from "node:fs";
    const word = readFileSync(${JSON.stringify(words)}, "utf8");
    export const createEnvironment = () => ({
      task: ({ index }) => ({ messages: [{ role: "user", content: word + " " + index }] }),
      grade: () => ({ reward: 0 }),
    });`,
  );
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const group: FakeHooks["group"] = async (one) => {
    if (one.groupKey.startsWith("1/")) await held;
    return one;
  };
  const worker = new FakeInference(cluster.workers, "inference-reworded", { group });
  await worker.start();
  const trainer = await cluster.add(new FakeTrainer(cluster.workers, "trainer-reworded"));
  try {
    const tasks = { source: { type: "module", module }, perIteration: 2 };
    await cluster.submit({ name: "reworded", tasks, validation: null });
    await cluster.untilEvents("iteration-planned", 2, "reworded");
    writeFileSync(words, "other");
    await cluster.endCoordinator("SIGKILL");
    await cluster.startCoordinator();
    release();
    await expect(cluster.result("reworded")).rejects.toThrow(
      /^tasks\.source: the tasks of iteration [01] are not those that it was planned with/,
    );
  } finally {
    release();
    await worker.stop();
    await trainer.stop();
    rmSync(folder, { recursive: true });
  }
}, 60_000);
