import { type Logger } from "@gumshoe/core";
import { type JobOf, type QueueName, QUEUES } from "@gumshoe/protocol";
import { type Job, type JobsOptions, Queue } from "bullmq";

import { jobId, jobKey, queuePrefix } from "./job-id.js";
import { ownJob } from "./read-job.js";
import { type RedisLink } from "./redis-link.js";

/**
 * Jobs that Redis is told of in one go. Many more would keep both sides from all else; and so many idle
 * workers come to fetch at the same moment.
 */
const CHUNK = 25;
/** Jobs that are looked for in one go when all of them should be there: the answer is one number. */
const LOOKED_FOR = 250;

/** A job has a timestamp from the start, and a dead letter the time when it was given up. */
const COUNT_OPEN = `
local open = 0
for _, key in ipairs(KEYS) do
  local fields = redis.call("HMGET", key, "timestamp", "finishedOn")
  if fields[1] and not fields[2] then open = open + 1 end
end
return open`;

type BullJob = Job<JobOf<QueueName>, void, string>;

/** Jobs of a queue by what is happening to them. */
export interface JobCounts {
  readonly waiting: number;
  /** In a worker's hands. */
  readonly active: number;
  /** Failed, to be tried again in a moment. */
  readonly delayed: number;
  /** Given up; see {@link JobQueue.deadLetters}. */
  readonly dead: number;
}

/** A job that was given up. */
export interface DeadLetter<Q extends QueueName> {
  readonly key: string;
  readonly job: JobOf<Q>;
  /** Tries that ended in an error. */
  readonly attempts: number;
  /** `CODE: message` of the last one. */
  readonly error: string;
  /** Milliseconds since the epoch. */
  readonly failedAtMs: number;
}

/**
 * The producer's side of a queue: says what should be done, and repairs the queue from what it knows.
 *
 * The producer's own record is the truth. Redis may lose everything at any time: {@link ensure} puts
 * back what should be open.
 */
export class JobQueue<Q extends QueueName> {
  readonly #name: Q;
  readonly #redis: RedisLink;
  readonly #queue: Queue<JobOf<QueueName>, void, string>;

  constructor(name: Q, options: { redis: RedisLink; logger?: Logger }) {
    this.#name = name;
    this.#redis = options.redis;
    this.#queue = new Queue(name, {
      connection: options.redis.commands,
      prefix: queuePrefix(options.redis.cluster),
      defaultJobOptions: { removeOnComplete: true, removeOnFail: false },
    });
    this.#queue.on("error", (error: Error) => options.logger?.debug({ err: error }, "queue error"));
  }

  /** Looks whether other programs have written where the queues are. @throws RedisKeyError */
  checkKeys(): Promise<void> {
    return this.#redis.checkKeys();
  }

  /** Adds a job, unless it is open already; a dead letter of the same key is replaced. */
  async add(job: JobOf<Q>): Promise<void> {
    await this.addMany([job]);
  }

  /**
   * Adds jobs as {@link add} does, in chunks: workers begin with the first ones meanwhile.
   *
   * @param isWanted  asked of each job before its chunk is added: it may not be wanted any more
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
        await Promise.all(dead.map(({ job }) => this.#queue.remove(jobId(this.#name, job))));
        await this.#queue.addBulk(chunk.map((job) => this.#entry(job)));
      });
    }
  }

  /**
   * Compares the queue with the jobs that should be open, and adds the ones that it lost. Call it on
   * start, after a reconnect, and every few seconds.
   *
   * @param isOpen  asked again of a job that is not there: it may have been done since the list was made
   * @returns       how many were added, and the keys that are dead letters: those are left alone
   */
  async ensure(
    openJobs: readonly JobOf<Q>[],
    isOpen: (job: JobOf<Q>) => boolean = () => true,
  ): Promise<{ added: number; dead: string[] }> {
    let added = 0;
    const dead: string[] = [];
    // Thousands of jobs are compared every few seconds, and nearly always none is missing.
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
      for (const { job, state } of states) if (state === "dead") dead.push(jobKey(this.#name, job));
    }
    return { added, dead };
  }

  /**
   * Takes jobs back that nobody has begun. One in a worker's hands stays there; its worker finds out
   * when it fetches or hands in.
   */
  async remove(jobs: readonly JobOf<Q>[]): Promise<void> {
    for (const chunk of chunksOf(jobs)) {
      await this.#redis.run(() =>
        Promise.all(chunk.map((job) => this.#queue.remove(jobId(this.#name, job)))),
      );
    }
  }

  /** Takes back every job of a run that nobody has begun, and drops its dead letters. */
  async removeRun(run: string): Promise<void> {
    for (const state of ["waiting", "prioritized", "delayed", "failed"] as const) {
      for (let numOthers = 0; ;) {
        const jobs = await this.#redis.run(() =>
          this.#queue.getJobs([state], numOthers, numOthers + CHUNK - 1),
        );
        // A job that was taken meanwhile leaves a hole in the list.
        const ours = jobs.filter(
          (job: BullJob | undefined) => ownJob(this.#name, job?.data)?.run === run,
        );
        const removed = await this.#redis.run(() =>
          Promise.all(ours.map((job) => this.#queue.remove(job.id as string))),
        );
        if (jobs.length < CHUNK) break;
        // What stays, such as jobs of other runs, is passed over.
        numOthers += jobs.length - removed.filter((count) => count > 0).length;
      }
    }
  }

  /** Counts the queue's jobs. */
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

  /** Lists the jobs of ours that were given up, the newest first. */
  async deadLetters(limit = 1000): Promise<DeadLetter<Q>[]> {
    const jobs = await this.#redis.run(() => this.#queue.getFailed(0, limit - 1));
    return jobs.flatMap((letter) => {
      const job = ownJob(this.#name, letter.data);
      if (job === null) return [];
      const { attemptsMade: attempts, finishedOn: failedAtMs = 0 } = letter;
      const key = jobKey(this.#name, job);
      return [{ key, job, attempts, error: describeEnd(letter), failedAtMs }];
    });
  }

  /** Lets go of the queue; its jobs and the connection stay. */
  async close(): Promise<void> {
    await this.#queue.close();
  }

  #entry(job: JobOf<Q>): { name: string; data: JobOf<Q>; opts: JobsOptions } {
    const { policy, priority } = QUEUES[this.#name];
    return {
      name: this.#name,
      data: job,
      opts: {
        jobId: jobId(this.#name, job),
        priority: (priority as (job: JobOf<Q>) => number)(job),
        attempts: policy.attempts,
        backoff: { type: "exponential", delay: policy.firstRetryDelayMs },
      },
    };
  }

  #redisKey(job: JobOf<Q>): string {
    return `${queuePrefix(this.#redis.cluster)}:${this.#name}:${jobId(this.#name, job)}`;
  }

  /** Counts those of the jobs that are in the queue, and no dead letters. */
  async #countOpen(jobs: readonly JobOf<Q>[]): Promise<number> {
    if (jobs.length === 0) return 0;
    const keys = jobs.map((job) => this.#redisKey(job));
    const reply = this.#redis.run(() => this.#redis.commands.eval(COUNT_OPEN, keys.length, keys));
    return Number(await reply);
  }

  /** Looks up jobs by their ids in one round trip. */
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

/** BullMQ has a text of its own for a job that was in the hands of too many workers that were lost. */
function describeEnd({ failedReason, stalledCounter }: BullJob): string {
  if (!/stalled more than allowable/.test(failedReason)) return failedReason;
  return `INTERNAL: ${stalledCounter} workers died or fell silent over it`;
}

function* chunksOf<T>(items: readonly T[], length = CHUNK): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += length) yield items.slice(i, i + length);
}
