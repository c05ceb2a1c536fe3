import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import {
  type Clock,
  ClusterError,
  errorMessage,
  InvalidArgumentError,
  retry,
  type RetryPolicy,
  systemClock,
  type Tls,
} from "@gumshoe/core";
import { parseRunConfig, type RunConfig } from "@gumshoe/config";
import { type Fleet, RunService, type WatchedEvent, type WorkerStatus } from "@gumshoe/protocol";
import {
  MAX_CONFIG_BYTES,
  RequestTooLargeError,
  RpcChannel,
  type RpcClient,
  WATCH_GATHER_MS,
} from "@gumshoe/rpc";

import { type CheckpointInfo, fromCheckpoint } from "./checkpoint-info.js";
import { downloadCheckpoint, type DownloadedCheckpoint, type DownloadOptions } from "./download.js";
import { ConfigFileError } from "./errors.js";
import {
  fromRolloutPage,
  type PageOptions,
  type RolloutFilter,
  type RolloutInfo,
  type RolloutPage,
} from "./rollouts.js";
import { fromRun, hasEnded, type RunInfo } from "./run-info.js";
import { followEvents, type WatchOptions } from "./watch.js";

/** Where a coordinator listens unless it was told otherwise. */
export const DEFAULT_ADDRESS = "127.0.0.1:7070";

// Every call is idempotent; a coordinator that restarts is back within a few seconds.
const RETRIES: RetryPolicy = { attempts: 3, firstDelayMs: 200, maxDelayMs: 1000 };

/** Bytes in flight of a download. */
const DOWNLOAD_WINDOW_BYTES = 16 * 1024 * 1024;

/** Most answers that {@link GumshoeClient.rollouts} asks for at once. */
const LARGE_PAGE = 200;

/** How to reach a cluster. */
export interface GumshoeClientOptions {
  /** host:port of the coordinator. */
  readonly address?: string;
  /** The cluster's token. */
  readonly token: string;
  /**
   * Files to speak TLS by, where the cluster does; none by default. `readTlsFolder` of `@gumshoe/client` reads
   * them.
   */
  readonly tls?: Tls;
  readonly clock?: Clock;
}

/** How a run is submitted. */
export interface SubmitOptions {
  /** Whether a run of that name that has ended is removed, with all its files, and this one begins anew. */
  readonly fresh?: boolean;
  /**
   * Absolute path, on the coordinator's machine, of the folder that relative paths in the config start
   * at; by default the folder that the coordinator was started in.
   */
  readonly folder?: string;
}

/** What removing a run came to. */
export interface ForgottenRun {
  readonly name: string;
  /** Bytes on disk that are free again; null where the answer was lost with the connection. */
  readonly freedBytes: number | null;
}

/**
 * Talks to a cluster: submits runs, watches, cancels and removes them, reads their answers, downloads their
 * checkpoints, lists the workers.
 *
 * Failed calls throw a ClusterError, whose `code` tells what is wrong: `UNAUTHENTICATED` (the token),
 * `INVALID_ARGUMENT` (the config; `details.field` names the place; or the config is longer than 64 KiB),
 * `NOT_FOUND` (no such run or checkpoint), `ALREADY_EXISTS` (the name has another config),
 * `UNAVAILABLE` (no coordinator answers).
 */
export class GumshoeClient {
  readonly #channel: RpcChannel;
  readonly #options: { readonly address: string; readonly token: string; readonly tls: Tls };
  readonly #runs: RpcClient<typeof RunService>;
  readonly #clock: Clock;

  constructor(options: GumshoeClientOptions) {
    if (options.token === "") throw new InvalidArgumentError("token", "must not be empty");
    this.#clock = options.clock ?? systemClock;
    const { address = DEFAULT_ADDRESS, token, tls = null } = options;
    this.#options = { address, token, tls };
    this.#channel = new RpcChannel(address, { token, tls });
    this.#runs = this.#channel.client(RunService);
  }

  /**
   * Submits a run, or continues the run of that name.
   *
   * @param config         YAML or JSON text with a `name`, or a config made by `parseRunConfig`
   * @param options.fresh  replaces the run of that name; refused while that run is queued or running
   */
  async submit(config: string | RunConfig, options: SubmitOptions = {}): Promise<RunInfo> {
    const text = typeof config === "string" ? config : JSON.stringify(config);
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_CONFIG_BYTES) throw new RequestTooLargeError(bytes, MAX_CONFIG_BYTES);
    const replacesSubmittedAtMs =
      options.fresh === true ? await this.#submittedAtMs(parseRunConfig(text).name) : undefined;
    const { folder } = options;
    const request = { config: text, folder, replacesSubmittedAtMs };
    return fromRun(await this.#call(() => this.#runs.submitRun(request)));
  }

  /**
   * Submits a config file, whose relative paths start at its own folder: the coordinator must see that
   * folder at the same path.
   *
   * @throws  ConfigFileError when the file cannot be read; and what {@link submit} throws
   */
  async submitFile(file: string, options: Pick<SubmitOptions, "fresh"> = {}): Promise<RunInfo> {
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (thrown) {
      throw new ConfigFileError(file, errorMessage(thrown), thrown);
    }
    return this.submit(text, { ...options, folder: dirname(resolve(file)) });
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
   * Removes a run that has ended, with all its files.
   *
   * @throws  RpcError: NOT_FOUND when there is no such run, FAILED_PRECONDITION while it is queued or running
   */
  async forget(name: string): Promise<ForgottenRun> {
    const { freedBytes } = await this.#call<{ freedBytes: number | null }>(async (attempt) => {
      try {
        return await this.#runs.forgetRun({ name });
      } catch (error) {
        // The try before may have removed it, and its answer was lost.
        if (attempt > 1 && isNotFound(error)) return { freedBytes: null };
        throw error;
      }
    });
    return { name, freedBytes };
  }

  /**
   * Follows a run: past events first, then as they happen, until the run has ended. Survives breaks
   * of the connection and restarts of the coordinator.
   */
  watch(name: string, options: WatchOptions = {}): AsyncIterable<WatchedEvent> {
    const { signal } = options;
    const callOptions = signal === undefined ? {} : { signal };
    const source = {
      open: (fromEvent: number) => {
        return this.#runs.watchRun({ name, fromEvent, gatherMs: WATCH_GATHER_MS }, callOptions);
      },
      hasEnded: async () => hasEnded((await this.get(name)).state),
    };
    return followEvents(name, source, { ...options, clock: this.#clock });
  }

  /** Returns one page of the answers that a run has sampled, in the order in which they came in. */
  async rolloutPage(run: string, options: PageOptions = {}): Promise<RolloutPage> {
    const { iteration, kind = "", pageSize = 0, pageToken = "" } = options;
    const request = { run, iteration, kind, pageSize, pageToken };
    return fromRolloutPage(await this.#call(() => this.#runs.listRollouts(request)));
  }

  /** Yields the answers that a run has sampled so far, page after page. */
  async *rollouts(run: string, filter: RolloutFilter = {}): AsyncGenerator<RolloutInfo> {
    let pageToken: string | null = "";
    while (pageToken !== null) {
      const page: RolloutPage = await this.rolloutPage(run, {
        ...filter,
        pageSize: LARGE_PAGE,
        pageToken,
      });
      yield* page.rollouts;
      pageToken = page.nextPageToken;
    }
  }

  /** Returns the checkpoints of a run that are on disk, the newest first. */
  async checkpoints(run: string): Promise<CheckpointInfo[]> {
    const { checkpoints } = await this.#call(() => this.#runs.listCheckpoints({ run }));
    return checkpoints.map(fromCheckpoint);
  }

  /**
   * Downloads a checkpoint: a folder that Transformers and vLLM load as it is. Every file is checked
   * against its hash; the folder is there whole, or not at all. Survives breaks of the connection.
   *
   * @throws  InvalidArgumentError when `out` is there already, CorruptDownloadError, DownloadWriteError,
   *          DownloadLostError; RpcError, NOT_FOUND when there is no such checkpoint (any more)
   */
  async download(run: string, options: DownloadOptions): Promise<DownloadedCheckpoint> {
    const { signal, withOptimizer = false } = options;
    const { address, token, tls } = this.#options;
    // A connection of its own: watches and short calls do not wait behind its bytes.
    const channel = new RpcChannel(address, { token, tls, windowBytes: DOWNLOAD_WINDOW_BYTES });
    const bulk = channel.client(RunService);
    const open = (checkpoint: string, fromByte: number) => {
      const request = { run, checkpoint, withOptimizer, fromByte };
      return bulk.downloadCheckpoint(request, signal === undefined ? {} : { signal });
    };
    try {
      return await downloadCheckpoint(run, open, { ...options, clock: this.#clock });
    } finally {
      channel.close();
    }
  }

  /** Returns the workers, and what they do. */
  async fleet(): Promise<WorkerStatus[]> {
    return (await this.cluster()).workers;
  }

  /** Returns the workers, and how the coordinator itself is doing. */
  cluster(): Promise<Fleet> {
    return this.#call(() => this.#runs.getFleet({}));
  }

  /** Closes the connection. Idempotent. */
  close(): void {
    this.#channel.close();
  }

  /** When the run of a name was submitted; undefined where there is none. */
  async #submittedAtMs(name: string): Promise<number | undefined> {
    try {
      return (await this.#call(() => this.#runs.getRun({ name }))).submittedAtMs;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #call<T>(work: (attempt: number) => Promise<T>): Promise<T> {
    return retry(work, { policy: RETRIES, clock: this.#clock });
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof ClusterError && error.code === "NOT_FOUND";
}
