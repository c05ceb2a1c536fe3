import type { JobOf } from "@gumshoe/protocol";
import { JobQueue, JobWorker, RedisLink } from "@gumshoe/queue";

import { type Figure, median } from "./figure.js";
import type { BenchSettings } from "./settings.js";

const CONNECT_WITHIN_MS = 10_000;
const WORKERS = 16;
const BURST = 2000;
const MIN_TRIPS = 50;

type Job = JobOf<"rollout">;

/** Times the job queues in the Redis of an idle cluster: single jobs, and bursts. */
export async function benchQueue({ seconds, startCluster }: BenchSettings): Promise<Figure[]> {
  const cluster = await startCluster({ inference: 0, trainers: 0, reducers: 0 });
  try {
    const link = await RedisLink.connect({
      url: cluster.redisUrl,
      cluster: "bench",
      waitMs: CONNECT_WITHIN_MS,
    });
    try {
      return [await timeTrips(link, seconds), await timeBursts(link, seconds)];
    } finally {
      link.close();
    }
  } finally {
    await cluster.stop();
  }
}

/** Times one job at a time: from `add` to the start of its handler. */
async function timeTrips(redis: RedisLink, seconds: number): Promise<Figure> {
  let arrived: () => void = () => undefined;
  const worker = new JobWorker("rollout", { redis, handler: async () => arrived() });
  const queue = new JobQueue("rollout", { redis });
  const times: number[] = [];
  try {
    await worker.ready();
    const stopAtMs = performance.now() + seconds * 1000;
    while (times.length < MIN_TRIPS || performance.now() < stopAtMs) {
      const there = new Promise<void>((resolve) => (arrived = resolve));
      const startedAtMs = performance.now();
      await queue.add(job("trip", times.length));
      await there;
      times.push(performance.now() - startedAtMs);
    }
  } finally {
    await worker.close(0);
    await queue.close();
  }
  return {
    name: "job, from queue to worker",
    shape: "1 worker",
    median: median(times),
    unit: "ms",
  };
}

/** Times bursts of jobs for several workers; each job must be done exactly once. */
async function timeBursts(redis: RedisLink, seconds: number): Promise<Figure> {
  const done = new Map<string, number>();
  let settled: () => void = () => undefined;
  const handler = async ({ groupKey }: Job) => {
    done.set(groupKey, (done.get(groupKey) ?? 0) + 1);
    if (done.size === BURST) settled();
  };
  const workers = Array.from(
    { length: WORKERS },
    () => new JobWorker("rollout", { redis, handler }),
  );
  const queue = new JobQueue("rollout", { redis });
  const rates: number[] = [];
  try {
    await Promise.all(workers.map((worker) => worker.ready()));
    const stopAtMs = performance.now() + seconds * 1000;
    while (rates.length < 3 || performance.now() < stopAtMs) {
      done.clear();
      const all = new Promise<void>((resolve) => (settled = resolve));
      const startedAtMs = performance.now();
      await queue.addMany(Array.from({ length: BURST }, (_, i) => job(`burst-${rates.length}`, i)));
      await all;
      rates.push(BURST / ((performance.now() - startedAtMs) / 1000));
      const doubled = [...done.values()].filter((count) => count !== 1).length;
      if (doubled > 0) throw new Error(`${doubled} jobs were done more than once`);
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.close(0)));
    await queue.close();
  }
  const shape = `${BURST} jobs, ${WORKERS} workers`;
  return { name: "jobs done", shape, median: median(rates), unit: "jobs/s" };
}

function job(run: string, index: number): Job {
  return { run, groupKey: `0/train/${index}`, kind: "train" };
}
