import { hostname } from "node:os";

import { type Clock, type Logger, Rng } from "@gumshoe/core";
import {
  bytesToTokens,
  FleetService,
  floatsToBytes,
  type GroupSpec,
  type JobOf,
  RolloutService,
  type SubmitGroupRequest,
  tokensToBytes,
} from "@gumshoe/protocol";
import { type JobContext, JobWorker, RedisLink } from "@gumshoe/queue";
import { RpcChannel } from "@gumshoe/rpc";
import { Membership, type Vitals } from "@gumshoe/worker";

const ANSWER_TOKENS = 24;

/** Options of a simulated worker. */
export interface SimulatedWorkerOptions {
  readonly workerId: string;
  /** host:port of the coordinator. */
  readonly coordinator: string;
  readonly token: string;
  readonly redisUrl: string;
  readonly cluster: string;
  /** Mean time of a group, in ms: uniform from half of it to one and a half. */
  readonly groupMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * An inference worker without computation: it registers, sends heartbeats, leases jobs, fetches
 * groups and submits answers like a real one, with its own connections, but the answers are made
 * up, one group at a time.
 */
export class SimulatedWorker {
  readonly #options: SimulatedWorkerOptions;
  readonly #channel: RpcChannel;
  readonly #membership: Membership;
  #redis: RedisLink | null = null;
  #worker: JobWorker<"rollout"> | null = null;
  /** Number of groups that the coordinator has accepted. */
  numDone = 0;

  constructor(options: SimulatedWorkerOptions) {
    const { workerId, coordinator, token, clock, logger } = options;
    this.#options = options;
    this.#channel = new RpcChannel(coordinator, { token });
    this.#membership = new Membership({
      fleet: this.#channel.client(FleetService),
      identity: {
        workerId,
        role: "inference",
        device: "simulated",
        address: `${workerId}:1`,
        host: hostname(),
        pid: process.pid,
      },
      vitals: () => this.#vitals(),
      onWithdrawn: (jobs) => this.#worker?.withdraw(jobs),
      clock,
      logger,
    });
  }

  /** Registers with the coordinator, and takes jobs from then on. */
  async start(onLost: (error: Error) => void): Promise<void> {
    const { redisUrl: url, cluster, clock, groupMs, logger } = this.#options;
    await this.#membership.start(onLost);
    const redis = await RedisLink.connect({ url, cluster, logger });
    const rollouts = this.#channel.client(RolloutService);
    this.#redis = redis;
    const handler = async ({ run, groupKey }: JobOf<"rollout">, { signal }: JobContext) => {
      const group = await rollouts.fetchGroup({ run, groupKey });
      const share = 0.5 + new Rng(...(group.seed as [number, ...number[]])).uniform();
      await clock.sleep(groupMs * share, signal);
      await rollouts.submitGroup(madeUpGroup(group, this.#options.workerId));
      this.numDone += 1;
    };
    this.#worker = new JobWorker("rollout", { redis, handler, logger });
    await this.#worker.ready();
  }

  /** Returns the current job to the queue, and unregisters. */
  async stop(): Promise<void> {
    await this.#worker?.close(0);
    await this.#membership.stop();
    this.#redis?.close();
    this.#channel.close();
  }

  #vitals(): Vitals {
    const activeJobs = [...(this.#worker?.activeJobs ?? [])];
    const job = activeJobs[0] ?? null;
    return {
      state: job === null ? "idle" : "busy",
      job: job ?? "",
      jobAgeMs: 0,
      weightVersion: 0,
      jobsDone: this.numDone,
      tokensPerSecond: 0,
      tokensDone: 0,
      activeJobs,
      waitingFor: "",
    };
  }
}

/** Makes up a group's answers as a function of its spec, so that a repeated group is identical. */
function madeUpGroup(spec: GroupSpec, workerId: string): SubmitGroupRequest {
  const { run, groupKey, weights, runDigest } = spec;
  const promptTokens = bytesToTokens(spec.promptTokens);
  const rollouts = Array.from({ length: spec.count }, (_, rollout) => {
    const rng = new Rng(...(spec.seed as [number, ...number[]]), rollout);
    const length = Math.min(ANSWER_TOKENS, spec.maxAnswerTokens);
    // Reuses tokens of the prompt, which are certainly in the vocabulary.
    const token = () => promptTokens[rng.below(promptTokens.length)] ?? 0;
    return {
      tokens: tokensToBytes(Array.from({ length }, token)),
      logprobs: floatsToBytes(Float32Array.from({ length }, () => -rng.uniform())),
      reward: rng.below(5) / 4,
      finish: "stop",
      text: `made up ${rng.below(1e9)}`,
      gradingError: "",
      metrics: {},
      segments: [],
      messages: [],
    };
  });
  return { run, groupKey, weights, workerId, rollouts, gradingMs: 0, runDigest };
}
