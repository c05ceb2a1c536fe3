import {
  type Clock,
  InvalidArgumentError,
  retry,
  type RetryPolicy,
  systemClock,
} from "@gumshoe/core";
import {
  RpcChannel,
  type RpcClient,
  type RunConfig,
  RunService,
  type WatchedEvent,
  type WorkerStatus,
} from "@gumshoe/protocol";

import { fromRun, hasEnded, type RunInfo } from "./run-info.js";
import { followEvents, type WatchOptions } from "./watch.js";

/** Where a coordinator listens unless it was told otherwise. */
export const DEFAULT_ADDRESS = "127.0.0.1:7070";

// Every call is idempotent; a coordinator that restarts is back within a few seconds.
const RETRIES: RetryPolicy = { attempts: 3, firstDelayMs: 200, maxDelayMs: 1000 };

/** How to reach a cluster. */
export interface GumshoeClientOptions {
  /** host:port of the coordinator. */
  readonly address?: string;
  /** The cluster's token. */
  readonly token: string;
  readonly clock?: Clock;
}

/**
 * Talks to a cluster: submits runs, watches and cancels them, lists the workers.
 *
 * Failed calls throw RpcError, whose `code` tells what is wrong: `UNAUTHENTICATED` (the token),
 * `INVALID_ARGUMENT` (the config; `details.field` names the place), `NOT_FOUND` (no such run),
 * `ALREADY_EXISTS` (the name has another config), `UNAVAILABLE` (nobody answers).
 */
export class GumshoeClient {
  readonly #channel: RpcChannel;
  readonly #runs: RpcClient<typeof RunService>;
  readonly #clock: Clock;

  constructor(options: GumshoeClientOptions) {
    if (options.token === "") throw new InvalidArgumentError("token", "must not be empty");
    this.#clock = options.clock ?? systemClock;
    this.#channel = new RpcChannel(options.address ?? DEFAULT_ADDRESS, { token: options.token });
    this.#runs = this.#channel.client(RunService);
  }

  /**
   * Submits a run, or continues the run of that name.
   *
   * @param config  YAML or JSON text with a `name`, or a config made by `parseRunConfig`
   */
  async submit(config: string | RunConfig): Promise<RunInfo> {
    const text = typeof config === "string" ? config : JSON.stringify(config);
    return fromRun(await this.#call(() => this.#runs.submitRun({ config: text })));
  }

  /** Returns one run. */
  async get(name: string): Promise<RunInfo> {
    return fromRun(await this.#call(() => this.#runs.getRun({ name })));
  }

  /** Returns all runs, the newest first. */
  async list(): Promise<RunInfo[]> {
    const { runs } = await this.#call(() => this.#runs.listRuns({}));
    return runs.map(fromRun);
  }

  /** Stops a run after the job in flight; submitting it again continues it. */
  async cancel(name: string): Promise<RunInfo> {
    return fromRun(await this.#call(() => this.#runs.cancelRun({ name })));
  }

  /**
   * Follows a run: past events first, then as they happen, until the run has ended. Survives breaks
   * of the connection and restarts of the coordinator.
   */
  watch(name: string, options: WatchOptions = {}): AsyncIterable<WatchedEvent> {
    const { signal } = options;
    const callOptions = signal === undefined ? {} : { signal };
    const source = {
      open: (fromEvent: number) => this.#runs.watchRun({ name, fromEvent }, callOptions),
      hasEnded: async () => hasEnded((await this.get(name)).state),
    };
    return followEvents(name, source, { ...options, clock: this.#clock });
  }

  /** Returns the workers, and what they do. */
  async fleet(): Promise<WorkerStatus[]> {
    const { workers } = await this.#call(() => this.#runs.getFleet({}));
    return workers;
  }

  /** Closes the connection. Idempotent. */
  close(): void {
    this.#channel.close();
  }

  #call<T>(work: () => Promise<T>): Promise<T> {
    return retry(work, { policy: RETRIES, clock: this.#clock });
  }
}
