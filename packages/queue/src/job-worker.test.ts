import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

import { ClusterError, systemClock } from "@gumshoe/core";
import type { RolloutJob } from "@gumshoe/protocol";
import { Queue } from "bullmq";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

import { startRedis, type TestRedis } from "../../../test/support/redis-server.js";
import { JobWithdrawnError, LeaseLostError, WorkerStoppingError } from "./errors.js";
import { queuePrefix } from "./job-id.js";
import { JobQueue } from "./job-queue.js";
import { type JobHandler, JobWorker } from "./job-worker.js";
import { RedisLink } from "./redis-link.js";

let server: TestRedis;
let cluster = 0;
let redis: RedisLink;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server.close();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function setUp(): Promise<JobQueue<"rollout">> {
  redis = await RedisLink.connect({ url: server.url, cluster: `c${++cluster}` });
  const link = redis;
  closers.push(async () => link.close());
  const queue = new JobQueue("rollout", { redis });
  closers.push(() => queue.close());
  return queue;
}

function work(handler: JobHandler<"rollout">, concurrency = 1): JobWorker<"rollout"> {
  const worker = new JobWorker("rollout", { redis, handler, concurrency });
  closers.push(() => worker.close(0));
  return worker;
}

function job(task: number, kind: "train" | "validation" = "train"): RolloutJob {
  return { run: "r", groupKey: `0/${kind}/${task}`, kind };
}

test("training jobs are taken before validation jobs, each kind in order of addition", async () => {
  const queue = await setUp();
  await queue.addMany([job(0, "validation"), job(0), job(1, "validation"), job(1)]);
  const taken: string[] = [];
  work(async ({ groupKey }) => void taken.push(groupKey));
  await vi.waitFor(() => expect(taken).toHaveLength(4), 5000);
  expect(taken).toEqual(["0/train/0", "0/train/1", "0/validation/0", "0/validation/1"]);
  await vi.waitFor(async () => expect((await queue.counts()).active).toBe(0));
});

test("the job of a worker that is killed by SIGKILL is taken over within 6 seconds", async () => {
  const queue = await setUp();
  await queue.add(job(7));
  const child = startHoldingChild(redis.cluster);
  await once(child.stdout as NodeJS.ReadableStream, "data");
  const attempts: number[] = [];
  work(async (_job, { attempt }) => void attempts.push(attempt));
  child.kill("SIGKILL");
  const killedAt = performance.now();
  await vi.waitFor(() => expect(attempts).toEqual([2]), { timeout: 8000, interval: 20 });
  expect(performance.now() - killedAt).toBeLessThan(6000);
  await vi.waitFor(async () => {
    const nothing = { waiting: 0, active: 0, delayed: 0, dead: 0 };
    expect(await queue.counts()).toEqual(nothing);
  });
});

test("a job over which twenty workers died is handed to no other, and says so", async () => {
  const queue = await setUp();
  await queue.add(job(3));
  const child = startHoldingChild(redis.cluster);
  await once(child.stdout as NodeJS.ReadableStream, "data");
  // What BullMQ counts: the workers that were lost before this one.
  const key = `${queuePrefix(redis.cluster)}:rollout:r/0/train/3`;
  expect(await redis.commands.exists(key)).toBe(1);
  await redis.commands.hset(key, "stc", 20);
  let numTaken = 0;
  work(async () => void (numTaken += 1));
  child.kill("SIGKILL");
  await vi.waitFor(async () => expect((await queue.counts()).dead).toBe(1), {
    timeout: 10_000,
    interval: 100,
  });
  const [letter] = await queue.deadLetters();
  const error = "INTERNAL: 21 workers died or hung while they ran it";
  expect(letter).toMatchObject({ job: job(3), error });
  expect(numTaken).toBe(0);
});

test("a withdrawn job is aborted, is done with, and the ones beside it go on", async () => {
  const queue = await setUp();
  const aborted: unknown[] = [];
  let finish = (): void => undefined;
  const other = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const worker = work(async ({ groupKey }, { signal }) => {
    if (groupKey === "0/train/1") return other;
    await systemClock.sleep(60_000, signal).catch((reason: unknown) => aborted.push(reason));
    throw new ClusterError("UNAVAILABLE", "what comes after an abort does not matter");
  }, 2);
  await queue.addMany([job(0), job(1)]);
  await vi.waitFor(() => expect(worker.activeJobs).toHaveLength(2), 5000);
  worker.withdraw(["r/0/train/0", "r/7/train/7"]);
  await vi.waitFor(() => expect(worker.activeJobs).toEqual(["r/0/train/1"]), 5000);
  expect(aborted).toEqual([new JobWithdrawnError("r/0/train/0")]);
  finish();
  await vi.waitFor(async () => {
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, dead: 0 });
  }, 5000);
});

test("a job whose lease is lost is aborted, and its late result has no effect", async () => {
  const queue = await setUp();
  await queue.add(job(0));
  const reasons: unknown[] = [];
  let begun = 0;
  work(async (_job, { signal }) => {
    if (++begun > 1) return;
    await systemClock.sleep(20_000, signal).catch((reason: unknown) => void reasons.push(reason));
  });
  await vi.waitFor(() => expect(begun).toBe(1), 5000);
  await redis.commands.flushall();
  await vi.waitFor(() => expect(reasons[0]).toBeInstanceOf(LeaseLostError), 5000);
  expect(await queue.ensure([job(0)])).toEqual({ added: 1, dead: [] });
  await vi.waitFor(() => expect(begun).toBe(2), 5000);
});

test("an error of the other side is retried, with the attempt counted", async () => {
  const queue = await setUp();
  await queue.add(job(0));
  const attempts: number[] = [];
  work(async (_job, { attempt }) => {
    attempts.push(attempt);
    if (attempt < 3) throw new ClusterError("UNAVAILABLE", "gone for a moment");
  });
  await vi.waitFor(() => expect(attempts).toEqual([1, 2, 3]), 5000);
});

test("a permanent error makes a dead letter, which add replaces and ensure keeps", async () => {
  const queue = await setUp();
  await queue.add(job(0));
  let broken = true;
  let done = 0;
  work(async () => {
    if (broken) throw new ClusterError("DATA_LOSS", "the task is unreadable");
    done++;
  });
  await vi.waitFor(async () => expect((await queue.counts()).dead).toBe(1), 5000);
  const [letter] = await queue.deadLetters();
  expect(letter).toMatchObject({ job: job(0), error: "DATA_LOSS: the task is unreadable" });
  expect(await queue.ensure([job(0)])).toEqual({ added: 0, dead: ["r/0/train/0"] });
  broken = false;
  await queue.add(job(0));
  await vi.waitFor(() => expect(done).toBe(1), 5000);
  expect((await queue.counts()).dead).toBe(0);
});

test("a job that is no longer needed is dropped without a dead letter", async () => {
  const queue = await setUp();
  await queue.addMany([job(0), job(1)]);
  let begun = 0;
  work(async () => {
    begun++;
    throw new ClusterError(begun === 1 ? "NOT_FOUND" : "ABORTED", "overtaken");
  });
  await vi.waitFor(() => expect(begun).toBe(2), 5000);
  await vi.waitFor(async () => {
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, dead: 0 });
  });
});

test("a stopping worker lets the active job finish within the budget", async () => {
  const queue = await setUp();
  await queue.addMany([job(0), job(1)]);
  const ended: string[] = [];
  const worker = work(async ({ groupKey }) => {
    await systemClock.sleep(300);
    ended.push(groupKey);
  });
  await vi.waitFor(() => expect(worker.activeJobs).toEqual(["r/0/train/0"]), 5000);
  await worker.close(3000);
  expect(ended).toEqual(["0/train/0"]);
  expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0 });
});

test("a stopping worker returns a job that outlasts the budget at once", async () => {
  const queue = await setUp();
  await queue.add(job(0));
  let reason: unknown;
  const worker = work(async (_job, { signal }) => {
    await systemClock.sleep(60_000, signal).catch((thrown: unknown) => (reason = thrown));
  });
  await vi.waitFor(() => expect(worker.activeJobs).toHaveLength(1), 5000);
  await worker.close(50);
  expect(reason).toBeInstanceOf(WorkerStoppingError);
  expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0 });
});

test("a worker runs several jobs at once, up to the concurrency", async () => {
  const queue = await setUp();
  await queue.addMany([job(0), job(1), job(2)]);
  const gate = new AbortController();
  const worker = work(async () => {
    await systemClock.sleep(60_000, gate.signal).catch(() => undefined);
  }, 2);
  await vi.waitFor(() => expect(worker.activeJobs).toHaveLength(2), 5000);
  expect(await queue.counts()).toMatchObject({ active: 2, waiting: 1 });
  gate.abort();
});

/** Starts a process that takes a job, reports it on stdout, and never finishes it. */
function startHoldingChild(clusterName: string): ChildProcess {
  const program = `
    import { JobWorker, RedisLink } from "@gumshoe/queue";
    const redis = await RedisLink.connect({ url: process.env.URL, cluster: process.env.CLUSTER });
    new JobWorker("rollout", { redis, handler: () => { console.log("taken"); return new Promise(() => {}); } });
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    env: { ...process.env, URL: server.url, CLUSTER: clusterName },
    stdio: ["ignore", "pipe", "inherit"],
  });
  closers.push(async () => void child.kill("SIGKILL"));
  return child;
}

test.each([
  null,
  5,
  {},
  { run: "../x", groupKey: "0/train/0", kind: "train" },
  { run: "r", groupKey: "x".repeat(1e6), kind: "train" },
  { run: "r", groupKey: "0/train/0", kind: "train", more: 1 },
])(
  "a job that another program has written is removed, and the next one is done: %#",
  async (data) => {
    const queue = await setUp();
    const foreign = new Queue("rollout", {
      connection: redis.commands,
      prefix: queuePrefix(redis.cluster),
    });
    closers.push(() => foreign.close());
    // With the id of a valid job, as if that had been overwritten.
    await foreign.add("rollout", data, { jobId: "r/0/train/0", attempts: 5 });
    const taken: string[] = [];
    work(async ({ groupKey }) => void taken.push(groupKey));
    await queue.add(job(1));
    await vi.waitFor(() => expect(taken).toEqual(["0/train/1"]), 5000);
    await vi.waitFor(async () =>
      expect(await queue.ensure([job(0)])).toEqual({ added: 1, dead: [] }),
    );
    await vi.waitFor(() => expect(taken).toEqual(["0/train/1", "0/train/0"]), 5000);
  },
);

test("dead letters of other programs are not listed, and block no job", async () => {
  const queue = await setUp();
  const foreign = new Queue("rollout", {
    connection: redis.commands,
    prefix: queuePrefix(redis.cluster),
  });
  closers.push(() => foreign.close());
  await foreign.add("rollout", null, { jobId: "theirs" });
  await redis.commands.zadd(`${queuePrefix(redis.cluster)}:rollout:failed`, 1, "theirs");
  await queue.add(job(0));
  expect(await queue.deadLetters()).toEqual([]);
  await queue.removeRun("r");
  expect((await queue.counts()).waiting).toBe(1);
});
