import type { Fleet as FleetView, Queue } from "@gumshoe/api";
import { type QueueName, WORKER_ROLES, type WorkerRole } from "@gumshoe/protocol";
import type { JobQueue } from "@gumshoe/queue";

import type { EventLoopMonitor } from "../event-loop-monitor.js";
import type { Fleet } from "../fleet/fleet.js";

/** The role of the workers that take a queue's jobs. */
const ROLE_OF_QUEUE = {
  rollout: "inference",
  gradient: "trainer",
} as const satisfies Record<QueueName, WorkerRole>;

/** Time for which the lengths of the queues are kept, in ms: many pages ask for them. */
const KEPT_MS = 1000;

/** What is known of the cluster's load. */
export interface FleetSources {
  readonly fleet: Fleet;
  readonly eventLoop: EventLoopMonitor;
  readonly queues: readonly (JobQueue<"rollout"> | JobQueue<"gradient">)[];
  readonly redisProblem: () => string | null;
  readonly workersWanted: (role: WorkerRole) => number;
  readonly nowMs: () => number;
}

/** Describes workers, queues and coordinator. */
export class FleetViews {
  readonly #sources: FleetSources;
  #queues: { readonly atMs: number; readonly queues: Promise<Queue[] | null> } | null = null;

  constructor(sources: FleetSources) {
    this.#sources = sources;
  }

  async get(): Promise<FleetView> {
    const { fleet, eventLoop, redisProblem } = this.#sources;
    return {
      workers: fleet.statuses(),
      queues: await this.queues(),
      coordinator: eventLoop.status(),
      redisProblem: redisProblem(),
      tokensPerSecond: Object.fromEntries(
        WORKER_ROLES.map((role) => [role, fleet.tokensPerSecond(role)]),
      ),
    };
  }

  /** Lengths of the queues; null while Redis is away. */
  queues(): Promise<Queue[] | null> {
    const { nowMs, queues, redisProblem } = this.#sources;
    if (this.#queues !== null && nowMs() - this.#queues.atMs < KEPT_MS) return this.#queues.queues;
    const read =
      redisProblem() === null
        ? Promise.all(queues.map((queue) => this.#describe(queue))).catch(() => null)
        : Promise.resolve(null);
    this.#queues = { atMs: nowMs(), queues: read };
    return read;
  }

  async #describe(queue: JobQueue<"rollout"> | JobQueue<"gradient">): Promise<Queue> {
    const role = ROLE_OF_QUEUE[queue.name];
    const [{ waiting, delayed, active }, addedAtMs] = await Promise.all([
      queue.counts(),
      queue.nextAddedAtMs(),
    ]);
    return {
      name: queue.name,
      role,
      waiting: waiting + delayed,
      active,
      oldestMs: addedAtMs === null ? null : Math.max(0, this.#sources.nowMs() - addedAtMs),
      workersWanted: this.#sources.workersWanted(role),
    };
  }
}
