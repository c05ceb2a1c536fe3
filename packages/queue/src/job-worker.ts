import { type Clock, ClusterError, errorMessage, type Logger, systemClock } from "@gumshoe/core";
import { type JobOf, type QueueName, QUEUES } from "@gumshoe/protocol";
import { type Job, UnrecoverableError, WaitingError, Worker } from "bullmq";
import type { Redis } from "ioredis";

import { dispositionOf } from "./disposition.js";
import {
  ForeignJobError,
  JobWithdrawnError,
  LeaseLostError,
  WorkerStoppingError,
} from "./errors.js";
import { jobKey, queuePrefix } from "./job-id.js";
import { readJob } from "./read-job.js";
import type { RedisLink } from "./redis-link.js";

/** Delay, in ms, before a worker retries when Redis does not respond. */
const REDIS_RETRY_MS = 500;
/** Longest blocking read of an idle worker, in seconds. */
const IDLE_READ_S = 2;
/** Workers that may be lost during one job before the job fails for good. */
const MAX_LOST_WORKERS = 20;
/** Time for aborted handlers to return, and for the jobs to be returned to Redis, in ms. */
const SETTLE_MS = 1000;

type BullJob<Q extends QueueName> = Job<JobOf<Q>, void, string>;
type BullWorker<Q extends QueueName> = Worker<JobOf<Q>, void, string>;

/** A job in progress. */
interface ActiveJob {
  readonly key: string;
  readonly controller: AbortController;
  readonly work: Promise<void>;
}

/** Context of a job, passed to its handler. */
export interface JobContext {
  readonly key: string;
  /** Number of times the job was started, by any worker; 1 for the first. */
  readonly attempt: number;
  /**
   * Aborted when the lease is lost (LeaseLostError), the worker stops (WorkerStoppingError) or the
   * result is no longer needed (JobWithdrawnError). The handler's outcome is ignored after that.
   */
  readonly signal: AbortSignal;
}

/**
 * Executes one job. The code of a thrown ClusterError decides the job's disposition; see
 * `dispositionOf`.
 */
export type JobHandler<Q extends QueueName> = (job: JobOf<Q>, context: JobContext) => Promise<void>;

/** Options of a worker. */
export interface JobWorkerOptions<Q extends QueueName> {
  readonly redis: RedisLink;
  readonly handler: JobHandler<Q>;
  /** Most concurrent jobs. */
  readonly concurrency?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/**
 * The consumer's side of a queue: takes jobs under a lease, renews the lease while the handler
 * runs, and completes, fails or returns them.
 *
 * - This thread renews the leases: a handler must not block it for longer than the queue's lease.
 * - The jobs of a dead worker are taken over after its lease and one check for stalled jobs: about
 *   5 s.
 * - A job that another program has written is removed; if it had replaced a valid job, the producer
 *   adds that again.
 */
export class JobWorker<Q extends QueueName> {
  readonly #name: Q;
  readonly #options: JobWorkerOptions<Q>;
  readonly #clock: Clock;
  readonly #connection: Redis;
  readonly #worker: BullWorker<Q>;
  readonly #active = new Map<string, ActiveJob>();
  #stopping = false;

  constructor(name: Q, options: JobWorkerOptions<Q>) {
    const { policy } = QUEUES[name];
    this.#name = name;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#connection = options.redis.openPatient();
    const take = (job: BullJob<Q>, token?: string) => this.#take(job, token ?? "");
    this.#worker = new Worker<JobOf<Q>, void, string>(name, take, {
      connection: this.#connection,
      prefix: queuePrefix(options.redis.cluster),
      concurrency: options.concurrency ?? 1,
      lockDuration: policy.leaseMs,
      lockRenewTime: policy.renewMs,
      stalledInterval: policy.stalledCheckMs,
      // A lost worker is rarely its job's fault, but a job that loses this many is not handed out
      // again.
      maxStalledCount: MAX_LOST_WORKERS,
      drainDelay: IDLE_READ_S,
      // The producer records completed jobs itself; completed jobs of other programs are removed
      // too.
      removeOnComplete: { count: 0 },
      runRetryDelay: REDIS_RETRY_MS,
    });
    this.#listen();
  }

  /** Keys of the active jobs. */
  get activeJobs(): readonly string[] {
    return [...this.#active.values()].map((active) => active.key);
  }

  /** Waits until the worker is connected. */
  async ready(): Promise<void> {
    await this.#worker.waitUntilReady();
  }

  /**
   * Ends active jobs whose results are no longer needed: their signals are aborted, and the jobs
   * completed.
   */
  withdraw(keys: Iterable<string>): void {
    const withdrawn = new Set(keys);
    for (const { key, controller } of this.#active.values()) {
      if (withdrawn.has(key)) controller.abort(new JobWithdrawnError(key));
    }
  }

  /**
   * Stops: takes no new jobs, waits up to `budgetMs` for active ones, then aborts those and returns
   * them to the queue, so that another worker takes them at once.
   */
  async close(budgetMs = 5000): Promise<void> {
    await this.#worker.pause(true);
    await this.#idleWithin(budgetMs);
    this.#stopping = true;
    for (const active of this.#active.values()) active.controller.abort(new WorkerStoppingError());
    await this.#idleWithin(SETTLE_MS);
    // A handler that ignores its signal keeps its job until the lease expires.
    const forced = this.#active.size > 0;
    const closed = this.#worker.close(forced).catch(() => undefined);
    await Promise.race([closed, this.#clock.sleep(SETTLE_MS)]);
    this.#connection.disconnect();
  }

  async #take(job: BullJob<Q>, token: string): Promise<void> {
    const id = job.id as string;
    const payload = this.#payload(job);
    if (payload === null) return;
    const key = jobKey(this.#name, payload);
    const controller = new AbortController();
    const { signal } = controller;
    const work = this.#process(job, token, { key, payload, signal });
    const active: ActiveJob = { key, controller, work };
    this.#active.set(id, active);
    try {
      await work;
    } finally {
      // After a lost lease the same job may have been taken a second time.
      if (this.#active.get(id) === active) this.#active.delete(id);
    }
  }

  /** Returns a job's payload; null for a job of another program, which is not run. */
  #payload(job: BullJob<Q>): JobOf<Q> | null {
    try {
      return readJob(this.#name, job.data);
    } catch (thrown) {
      if (!(thrown instanceof ForeignJobError)) throw thrown;
      this.#options.logger?.warn({ queue: this.#name, job: job.id }, `removed: ${thrown.message}`);
      return null;
    }
  }

  async #process(
    job: BullJob<Q>,
    token: string,
    { key, payload, signal }: { key: string; payload: JobOf<Q>; signal: AbortSignal },
  ): Promise<void> {
    try {
      if (this.#stopping) throw new WorkerStoppingError();
      const attempt = job.attemptsStarted;
      await this.#options.handler(payload, { key, attempt, signal });
    } catch (thrown) {
      if (!signal.aborted && !(thrown instanceof WorkerStoppingError)) {
        return this.#settle(key, thrown);
      }
    }
    if (signal.reason instanceof JobWithdrawnError) return;
    const handsBack = this.#stopping || signal.reason instanceof WorkerStoppingError;
    if (handsBack) await job.moveToWait(token).catch(() => undefined);
    // WaitingError makes BullMQ move the job back to its waiting list.
    if (handsBack || signal.aborted) throw new WaitingError();
  }

  /** Applies the disposition of a failed job; returning completes it. */
  #settle(key: string, thrown: unknown): void {
    const disposition = dispositionOf(thrown);
    const error = describe(thrown);
    this.#options.logger?.[disposition === "drop" ? "debug" : "warn"](
      { queue: this.#name, job: key, disposition, ...(isBug(thrown) ? { err: thrown } : {}) },
      `job failed: ${error}`,
    );
    switch (disposition) {
      case "drop":
        return;
      case "retry":
        throw new Error(error);
      case "dead-letter":
        throw new UnrecoverableError(error);
      default:
        disposition satisfies never;
    }
  }

  async #idleWithin(ms: number): Promise<void> {
    const timer = new AbortController();
    const idle = Promise.allSettled([...this.#active.values()].map((active) => active.work));
    void idle.then(() => timer.abort());
    await this.#clock.sleep(ms, timer.signal).catch(() => undefined);
  }

  #listen(): void {
    const { logger } = this.#options;
    this.#worker.on("lockRenewalFailed", (ids: string[]) => {
      for (const id of ids) {
        const active = this.#active.get(id);
        if (active === undefined || active.controller.signal.aborted) continue;
        logger?.warn({ queue: this.#name, job: active.key }, "the lease of this job was lost");
        active.controller.abort(new LeaseLostError(active.key));
      }
    });
    this.#worker.on("stalled", (id: string) => {
      logger?.warn(
        { queue: this.#name, job: id },
        "a worker stopped renewing its lease: its job is queued again",
      );
    });
    // The link logs broken connections; their consequences follow from lost leases.
    this.#worker.on("error", (error: Error) => {
      logger?.debug({ queue: this.#name, err: error }, "queue worker error");
    });
  }
}

function describe(thrown: unknown): string {
  const code = thrown instanceof ClusterError ? thrown.code : "INTERNAL";
  return `${code}: ${errorMessage(thrown)}`;
}

function isBug(thrown: unknown): boolean {
  return !(thrown instanceof ClusterError);
}
