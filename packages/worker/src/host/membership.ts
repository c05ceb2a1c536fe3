import { type Clock, ClusterError, errorMessage, type Logger } from "@gumshoe/core";
import { machineMemory } from "@gumshoe/memory";
import {
  type FleetService,
  type HeartbeatRequest,
  PROTOCOL_VERSION,
  type RegisterRequest,
} from "@gumshoe/protocol";
import type { RpcClient } from "@gumshoe/rpc";

/** What a worker reports in its heartbeats. */
export type Vitals = Omit<HeartbeatRequest, "workerId">;

/** Identity of a worker. */
export type Identity = Omit<RegisterRequest, "memoryBytes" | "protocolVersion">;

const RETRY_MS = 300;
const LOG_EVERY_MS = 5000;
const FIRST_INTERVAL_MS = 1000;

/**
 * Keeps a worker registered: registers it, sends heartbeats, registers it again if the coordinator has forgotten it
 * or restarted, and deregisters it.
 */
export class Membership {
  readonly #fleet: RpcClient<typeof FleetService>;
  readonly #identity: Identity;
  readonly #vitals: () => Vitals;
  readonly #onWithdrawn: (jobs: readonly string[]) => void;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #stopped = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor(options: {
    fleet: RpcClient<typeof FleetService>;
    identity: Identity;
    vitals: () => Vitals;
    /** Called with the keys of running jobs that are no longer wanted. */
    onWithdrawn: (jobs: readonly string[]) => void;
    clock: Clock;
    logger: Logger;
  }) {
    this.#onWithdrawn = options.onWithdrawn;
    this.#fleet = options.fleet;
    this.#identity = options.identity;
    this.#vitals = options.vitals;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /**
   * Registers, waiting for a coordinator that does not run yet, and keeps the registration from then on.
   *
   * @param onRefused  called when the coordinator will never accept this worker, e.g. because of its token
   * @throws           ClusterError when the worker is refused at once
   */
  async start(onRefused: (error: ClusterError) => void): Promise<void> {
    const intervalMs = await this.#join();
    this.#loop = this.#beat(intervalMs).catch((error: unknown) => {
      if (error instanceof ClusterError) onRefused(error);
      else if (!this.#stopped.signal.aborted) throw error;
    });
  }

  /** Deregisters; an unreachable coordinator notices the missing heartbeats. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#loop;
    const { workerId } = this.#identity;
    await this.#fleet.leave({ workerId }, { deadlineMs: 1000 }).catch(() => undefined);
  }

  async #join(): Promise<number> {
    for (;;) {
      try {
        const answer = await this.#fleet.register({
          ...this.#identity,
          memoryBytes: machineMemory().limitBytes,
          protocolVersion: PROTOCOL_VERSION,
        });
        return answer.heartbeatIntervalMs || FIRST_INTERVAL_MS;
      } catch (error) {
        this.#tolerate(error, "cannot join the cluster yet");
        await this.#clock.sleep(RETRY_MS, this.#stopped.signal);
      }
    }
  }

  async #beat(firstIntervalMs: number): Promise<void> {
    let intervalMs = firstIntervalMs;
    for (;;) {
      const over = await this.#clock.sleep(intervalMs, this.#stopped.signal).then(
        () => false,
        () => true,
      );
      if (over) return;
      try {
        const { workerId } = this.#identity;
        const heartbeat = { workerId, ...this.#vitals() };
        const answer = await this.#fleet.heartbeat(heartbeat, { deadlineMs: 2000 });
        intervalMs = answer.heartbeatIntervalMs || intervalMs;
        if (answer.withdrawnJobs.length > 0) this.#onWithdrawn(answer.withdrawnJobs);
      } catch (error) {
        if (error instanceof ClusterError && error.code === "NOT_FOUND") {
          intervalMs = await this.#join();
        } else {
          this.#tolerate(error, "the coordinator does not answer");
        }
      }
    }
  }

  /** Logs an error that may be temporary, from time to time; throws others. */
  #tolerate(error: unknown, what: string): void {
    if (!(error instanceof ClusterError) || !error.retryable) throw error;
    const now = this.#clock.monotonicMs();
    if (now - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = now;
    this.#logger.warn(`${what}: ${errorMessage(error)}`);
  }
}
