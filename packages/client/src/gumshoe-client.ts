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

/** Default address of a coordinator. */
export const DEFAULT_ADDRESS = "127.0.0.1:7070";

// Retries are safe, because every call is idempotent; a coordinator restarts within a few seconds.
const RETRIES: RetryPolicy = { attempts: 3, firstDelayMs: 200, maxDelayMs: 1000 };

/** HTTP/2 receive window of a download, in bytes. */
const DOWNLOAD_WINDOW_BYTES = 16 * 1024 * 1024;

/** Page size of {@link GumshoeClient.rollouts}. */
const LARGE_PAGE = 200;

/** Address and credentials of a cluster. */
export interface GumshoeClientOptions {
  /** host:port of the coordinator. */
  readonly address?: string;
  /** The cluster's token. */
  readonly token: string;
  /**
   * TLS files, if the cluster uses TLS; none by default. `readTlsFolder` of `@gumshoe/client` reads
   * them.
   */
  readonly tls?: Tls;
  readonly clock?: Clock;
}

/** Options of a submission. */
export interface SubmitOptions {
  /**
   * Whether an ended run of that name is first removed with all its files, so that this one starts
   * anew.
   */
  readonly fresh?: boolean;
  /**
   * Absolute path, on the coordinator's machine, that relative paths in the config start from;
   * default: the folder in which the coordinator was started.
   */
  readonly folder?: string;
  /** Whether to take a run that the workers' machines have too little memory for; default: no. */
  readonly allowOvercommit?: boolean;
  /**
   * From -100 to 100: runs of a higher priority run first, those of the same one share the
   * workers in time slices; default: 0, or the priority that the run has.
   */
  readonly priority?: number;
  /**
   * Forks a run: the new run shares its iterations up to a checkpoint (`best`, `latest` or a number of
   * iterations) and continues from there. The fields `type`, `model`, `init` and `lora` may not differ.
   */
  readonly forkOf?: { readonly run: string; readonly checkpoint: string };
}

/** Result of removing a run. */
export interface ForgottenRun {
  readonly name: string;
  /** Bytes that were freed on disk; null when the response was lost with the connection. */
  readonly freedBytes: number | null;
}

/**
 * Client of a cluster: submits, watches, cancels and removes runs, reads their answers, downloads
 * their checkpoints, and lists the workers.
 *
 * Failed calls throw a ClusterError with a `code`: `UNAUTHENTICATED` (wrong token),
 * `INVALID_ARGUMENT` (invalid config; `details.field` names the field; or a config longer than 64
 * KiB), `NOT_FOUND` (no such run or checkpoint), `ALREADY_EXISTS` (the name has another config),
 * `UNAVAILABLE` (the coordinator cannot be reached).
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
   * Submits a run, or resumes the run of that name.
   *
   * @param config         YAML or JSON text with a `name`, or a config made by `parseRunConfig`
   * @param options.fresh  replaces the run of that name; rejected while that run is queued or
   *   running
   */
  async submit(config: string | RunConfig, options: SubmitOptions = {}): Promise<RunInfo> {
    const text = typeof config === "string" ? config : JSON.stringify(config);
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_CONFIG_BYTES) throw new RequestTooLargeError(bytes, MAX_CONFIG_BYTES);
    const replacesSubmittedAtMs =
      options.fresh === true ? await this.#submittedAtMs(parseRunConfig(text).name) : undefined;
    const { folder, allowOvercommit = false, forkOf, priority } = options;
    const place = { folder, replacesSubmittedAtMs, allowOvercommit };
    const request = { config: text, ...place, forkOf, priority };
    return fromRun(await this.#call(() => this.#runs.submitRun(request)));
  }

  /**
   * Submits a config file. Its relative paths start at its own folder, which the coordinator must
   * see at the same path.
   *
   * @throws  ConfigFileError when the file cannot be read; and the errors of {@link submit}
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

  /** Stops a run after the current job; submitting it again resumes it. */
  async cancel(name: string): Promise<RunInfo> {
    return fromRun(await this.#call(() => this.#runs.cancelRun({ name })));
  }

  /** Changes the priority of a run that has not ended: from -100 to 100. */
  async prioritize(name: string, priority: number): Promise<RunInfo> {
    return fromRun(await this.#call(() => this.#runs.prioritizeRun({ name, priority })));
  }

  /**
   * Removes an ended run with all its files.
   *
   * @throws  RpcError: NOT_FOUND when there is no such run, FAILED_PRECONDITION while it is queued
   *   or running
   */
  async forget(name: string): Promise<ForgottenRun> {
    const { freedBytes } = await this.#call<{ freedBytes: number | null }>(async (attempt) => {
      try {
        return await this.#runs.forgetRun({ name });
      } catch (error) {
        // The previous attempt may have removed it, and its response was lost.
        if (attempt > 1 && isNotFound(error)) return { freedBytes: null };
        throw error;
      }
    });
    return { name, freedBytes };
  }

  /**
   * Yields a run's events: past ones first, then new ones, until the run has ended. Reconnects
   * after breaks of the connection and restarts of the coordinator.
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

  /** Returns one page of a run's sampled answers, in the order in which they were recorded. */
  async rolloutPage(run: string, options: PageOptions = {}): Promise<RolloutPage> {
    const { iteration, kind = "", pageSize = 0, pageToken = "" } = options;
    const request = { run, iteration, kind, pageSize, pageToken };
    return fromRolloutPage(await this.#call(() => this.#runs.listRollouts(request)));
  }

  /** Yields a run's sampled answers so far, fetching page by page. */
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

  /** Returns a run's checkpoints that are on disk, the newest first. */
  async checkpoints(run: string): Promise<CheckpointInfo[]> {
    const { checkpoints } = await this.#call(() => this.#runs.listCheckpoints({ run }));
    return checkpoints.map(fromCheckpoint);
  }

  /**
   * Downloads a checkpoint: a folder that Transformers and vLLM can load. Every file is checked
   * against its hash; the folder is complete or absent. Reconnects when the connection breaks.
   *
   * @throws  InvalidArgumentError when `out` exists already, CorruptDownloadError,
   *   DownloadWriteError, DownloadLostError; RpcError, NOT_FOUND when there is no such checkpoint,
   *   or no longer
   */
  async download(run: string, options: DownloadOptions): Promise<DownloadedCheckpoint> {
    const { signal, withOptimizer = false } = options;
    const { address, token, tls } = this.#options;
    // A separate connection, so that watches and short calls do not queue behind its data.
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

  /** Returns the workers and their status. */
  async fleet(): Promise<WorkerStatus[]> {
    return (await this.cluster()).workers;
  }

  /** Returns the workers, and the coordinator's own status. */
  cluster(): Promise<Fleet> {
    return this.#call(() => this.#runs.getFleet({}));
  }

  /** Closes the connection. Idempotent. */
  close(): void {
    this.#channel.close();
  }

  /** Returns the submission time of a run; undefined when there is none of that name. */
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
