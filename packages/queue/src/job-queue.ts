import type { Logger } from "@gumshoe/core";
import { type JobOf, type QueueName, QUEUES } from "@gumshoe/protocol";
import { type Job, type JobsOptions, Queue } from "bullmq";

import { jobId, jobKey, queuePrefix } from "./job-id.js";
import { ownJob } from "./read-job.js";
import type { RedisLink } from "./redis-link.js";

/**
 * Jobs per call to Redis. Larger chunks would block both sides for longer; and a chunk wakes that
 * many idle workers at the same moment.
 */
const CHUNK = 25;
/** Jobs per query when all should be there: the reply is one number. */
const LOOKED_FOR = 250;

/** Every job has a timestamp, and a dead letter also the time of its failure. */
const COUNT_OPEN = `
local open = 0
for _, key in ipairs(KEYS) do
  local fields = redis.call("HMGET", key, "timestamp", "finishedOn")
  if fields[1] and not fields[2] then open = open + 1 end
end
return open`;

type BullJob = Job<JobOf<QueueName>, void, string>;

/** Number of jobs of a queue by state. */
export interface JobCounts {
  readonly waiting: number;
  /** Being worked on. */
  readonly active: number;
  /** Failed, and waiting for the next attempt. */
  readonly delayed: number;
  /** Failed for good; see {@link JobQueue.deadLetters}. */
  readonly dead: number;
}

/** A job that failed for good. */
export interface DeadLetter<Q extends QueueName> {
  readonly key: string;
  readonly job: JobOf<Q>;
  /** Attempts that ended in an error. */
  readonly attempts: number;
  /** `CODE: message` of the last error. */
  readonly error: string;
  /** Milliseconds since the epoch. */
  readonly failedAtMs: number;
}

/**
 * The producer's side of a queue: adds jobs, and repairs the queue from the producer's own record.
 *
 * That record is authoritative. Redis may lose all data at any time: {@link ensure} restores the
 * jobs that should be open.
 */
export class JobQueue<Q extends QueueName> {
  readonly name: Q;
  readonly #redis: RedisLink;
  readonly #queue: Queue<JobOf<QueueName>, void, string>;

  constructor(name: Q, options: { redis: RedisLink; logger?: Logger }) {
    this.name = name;
    this.#redis = options.redis;
    this.#queue = new Queue(name, {
      connection: options.redis.commands,
      prefix: queuePrefix(options.redis.cluster),
      defaultJobOptions: { removeOnComplete: true, removeOnFail: false },
    });
    this.#queue.on("error", (error: Error) => options.logger?.debug({ err: error }, "queue error"));
  }

  /** Checks that no other program has written to the queues' keys. @throws RedisKeyError */
  checkKeys(): Promise<void> {
    return this.#redis.checkKeys();
  }

  /** Adds a job, unless it is open already; replaces a dead letter with the same key. */
  async add(job: JobOf<Q>): Promise<void> {
    await this.addMany([job]);
  }

  /**
   * Adds jobs as {@link add} does, in chunks, so that workers can start on the first ones.
   *
   * @param isWanted  called for each job before its chunk is added: it may no longer be needed
   */
  async addMany(
    jobs: readonly JobOf<Q>[],
    isWanted: (job: JobOf<Q>) => boolean = () => true,
  ): Promise<void> {
    for (const all of chunksOf(jobs)) {
      const chunk = all.filter(isWanted);
      if (chunk.length === 0) continue;
      const dead = (await this.#states(chunk)).filter(({ state }) => state === "dead");
      await this.#redis.run(async () => {
        await Promise.all(dead.map(({ job }) => this.#queue.remove(jobId(this.name, job))));
        await this.#queue.addBulk(chunk.map((job) => this.#entry(job)));
      });
    }
  }

  /**
   * Compares the queue with the jobs that should be open, and adds the missing ones. Call it at the
   * start, after a reconnect, and every few seconds.
   *
   * @param isOpen  called again for a missing job: it may have been completed since the list was
   *   made
   * @returns       the number of added jobs, and the keys of dead letters, which are not added
   *   again
   */
  async ensure(
    openJobs: readonly JobOf<Q>[],
    isOpen: (job: JobOf<Q>) => boolean = () => true,
  ): Promise<{ added: number; dead: string[] }> {
    let added = 0;
    const dead: string[] = [];
    // A count per chunk first: thousands of jobs are compared every few seconds, and rarely is one
    // missing.
    const suspects: JobOf<Q>[] = [];
    for (const all of chunksOf(openJobs, LOOKED_FOR)) {
      const chunk = all.filter(isOpen);
      if ((await this.#countOpen(chunk)) < chunk.length) suspects.push(...chunk);
    }
    for (const chunk of chunksOf(suspects)) {
      const states = (await this.#states(chunk)).filter(({ job }) => isOpen(job));
      const lost = states.filter(({ state }) => state === "absent").map(({ job }) => job);
      if (lost.length > 0) {
        await this.#redis.run(() => this.#queue.addBulk(lost.map((job) => this.#entry(job))));
      }
      added += lost.length;
      for (const { job, state } of states) if (state === "dead") dead.push(jobKey(this.name, job));
    }
    return { added, dead };
  }

  /**
   * Removes jobs that no worker has begun. An active job stays: its worker is refused when it
   * fetches or submits the work.
   */
  async remove(jobs: readonly JobOf<Q>[]): Promise<void> {
    for (const chunk of chunksOf(jobs)) {
      await this.#redis.run(() =>
        Promise.all(chunk.map((job) => this.#queue.remove(jobId(this.name, job)))),
      );
    }
  }

  /** Removes all jobs of a run that no worker has begun, and its dead letters. */
  async removeRun(run: string): Promise<void> {
    for (const state of ["waiting", "prioritized", "delayed", "failed"] as const) {
      for (let numOthers = 0; ;) {
        const jobs = await this.#redis.run(() =>
          this.#queue.getJobs([state], numOthers, numOthers + CHUNK - 1),
        );
        // A job that was taken meanwhile is undefined in the list.
        const ours = jobs.filter(
          (job: BullJob | undefined) => ownJob(this.name, job?.data)?.run === run,
        );
        const removed = await this.#redis.run(() =>
          Promise.all(ours.map((job) => this.#queue.remove(job.id as string))),
        );
        if (jobs.length < CHUNK) break;
        // Skip the jobs that stay, such as those of other runs.
        numOthers += jobs.length - removed.filter((count) => count > 0).length;
      }
    }
  }

  /** Counts the queue's jobs by state. */
  async counts(): Promise<JobCounts> {
    const counts = await this.#redis.run(() =>
      this.#queue.getJobCounts("waiting", "prioritized", "active", "delayed", "failed"),
    );
    const count = (state: string) => counts[state] ?? 0;
    return {
      waiting: count("waiting") + count("prioritized"),
      active: count("active"),
      delayed: count("delayed"),
      dead: count("failed"),
    };
  }

  /** Returns when the job that is taken next was added, in ms since the epoch; null when none waits. */
  async nextAddedAtMs(): Promise<number | null> {
    const [job] = await this.#redis.run(() =>
      this.#queue.getJobs(["waiting", "prioritized"], 0, 0, true),
    );
    return (job as BullJob | undefined)?.timestamp ?? null;
  }

  /** Lists this producer's jobs that failed for good, the newest first. */
  async deadLetters(limit = 1000): Promise<DeadLetter<Q>[]> {
    const jobs = await this.#redis.run(() => this.#queue.getFailed(0, limit - 1));
    return jobs.flatMap((letter) => {
      const job = ownJob(this.name, letter.data);
      if (job === null) return [];
      const { attemptsMade: attempts, finishedOn: failedAtMs = 0 } = letter;
      const key = jobKey(this.name, job);
      return [{ key, job, attempts, error: describeEnd(letter), failedAtMs }];
    });
  }

  /** Closes the queue object; its jobs and the connection stay. */
  async close(): Promise<void> {
    await this.#queue.close();
  }

  #entry(job: JobOf<Q>): { name: string; data: JobOf<Q>; opts: JobsOptions } {
    const { policy, priority } = QUEUES[this.name];
    return {
      name: this.name,
      data: job,
      opts: {
        jobId: jobId(this.name, job),
        priority: (priority as (job: JobOf<Q>) => number)(job),
        attempts: policy.attempts,
        backoff: { type: "exponential", delay: policy.firstRetryDelayMs },
      },
    };
  }

  #redisKey(job: JobOf<Q>): string {
    return `${queuePrefix(this.#redis.cluster)}:${this.name}:${jobId(this.name, job)}`;
  }

  /** Counts how many of the jobs are in the queue and no dead letters. */
  async #countOpen(jobs: readonly JobOf<Q>[]): Promise<number> {
    if (jobs.length === 0) return 0;
    const keys = jobs.map((job) => this.#redisKey(job));
    const reply = this.#redis.run(() => this.#redis.commands.eval(COUNT_OPEN, keys.length, keys));
    return Number(await reply);
  }

  /** Queries the states of jobs in one round trip. */
  async #states(
    jobs: readonly JobOf<Q>[],
  ): Promise<{ job: JobOf<Q>; state: "absent" | "open" | "dead" }[]> {
    const pipeline = this.#redis.commands.pipeline();
    for (const job of jobs) pipeline.hmget(this.#redisKey(job), "timestamp", "finishedOn");
    const replies = await this.#redis.run(async () => {
      const results = (await pipeline.exec()) ?? [];
      return results.map(([error, fields]) => {
        if (error !== null) throw error;
        return fields as (string | null)[];
      });
    });
    return jobs.map((job, i) => {
      const [timestamp, finishedOn] = replies[i] ?? [];
      if (timestamp === null || timestamp === undefined) return { job, state: "absent" };
      return { job, state: finishedOn === null ? "open" : "dead" };
    });
  }
}

/** Translates BullMQ's message for a job whose workers were lost too often. */
function describeEnd({ failedReason, stalledCounter }: BullJob): string {
  if (!/stalled more than allowable/.test(failedReason)) return failedReason;
  return `INTERNAL: ${stalledCounter} workers died or hung while they ran it`;
}

function* chunksOf<T>(items: readonly T[], length = CHUNK): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += length) yield items.slice(i, i + length);
}
