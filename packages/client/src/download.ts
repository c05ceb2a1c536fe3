import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import {
  backoffMs,
  type Clock,
  ClusterError,
  errorMessage,
  InvalidArgumentError,
  makeFolder,
} from "@gumshoe/core";
import type { CheckpointChunk } from "@gumshoe/protocol";

import type { CheckpointInfo } from "./checkpoint-info.js";
import { CheckpointIntake } from "./checkpoint-intake.js";
import { DownloadLostError, DownloadWriteError } from "./errors.js";

const RECONNECT = { firstDelayMs: 200, maxDelayMs: 2000 };

/** Progress of a download. */
export interface DownloadProgress {
  readonly receivedBytes: number;
  readonly totalBytes: number;
  readonly checkpoint: CheckpointInfo;
}

/** Options of a download. */
export interface DownloadOptions {
  /** Folder of the downloaded checkpoint: must not exist, or be empty. */
  readonly out: string;
  /**
   * `best` by validation, `latest`, or an iteration; default: best. 0 is the model that the run
   * started from: it is also `best` when it validated significantly better than every checkpoint.
   */
  readonly checkpoint?: "best" | "latest" | number;
  /** Adds the optimizer's state, which is twice the size of the weights. */
  readonly withOptimizer?: boolean;
  /** Aborts the download, which throws the signal's reason and leaves no files. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /**
   * How long an unreachable coordinator is retried before DownloadLostError, in ms; default 60 s.
   */
  readonly giveUpAfterMs?: number;
  /** Called before every new attempt. */
  readonly onReconnect?: (error: unknown) => void;
}

/** A downloaded checkpoint. */
export interface DownloadedCheckpoint extends CheckpointInfo {
  /** Absolute path of its folder. */
  readonly folder: string;
  readonly bytes: number;
}

/** Opens the stream of a checkpoint at a byte. */
type OpenStream = (which: string, fromByte: number) => AsyncIterable<CheckpointChunk>;

/**
 * Downloads a checkpoint into a temporary folder beside the target, checks every file's hash, and
 * renames the folder: the result is complete or absent. Reconnects when the connection breaks.
 */
export async function downloadCheckpoint(
  run: string,
  open: OpenStream,
  options: DownloadOptions & { clock: Clock },
): Promise<DownloadedCheckpoint> {
  const folder = resolve(options.out);
  const temporary = `${folder}.partial-${randomUUID().slice(0, 8)}`;
  await prepareFolder(folder, temporary);
  const intake = new CheckpointIntake(temporary);
  try {
    const checkpoint = await receive(run, open, { ...options, intake });
    await rename(temporary, folder).catch((thrown: unknown) => {
      throw new DownloadWriteError(folder, errorMessage(thrown), thrown);
    });
    return { ...checkpoint, folder, bytes: intake.totalBytes };
  } finally {
    await intake.close();
    await rm(temporary, { recursive: true, force: true });
  }
}

async function prepareFolder(folder: string, temporary: string): Promise<void> {
  const present = await readdir(folder).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === "ENOENT") return [];
    throw new DownloadWriteError(folder, thrown.message, thrown);
  });
  if (present.length > 0) {
    throw new InvalidArgumentError("out", `${folder} is there already`, {
      suggestion: "name a folder that is not",
    });
  }
  try {
    makeFolder(dirname(folder));
    await mkdir(temporary);
  } catch (thrown) {
    throw new DownloadWriteError(temporary, errorMessage(thrown), thrown);
  }
}

/** Receives streams, one after the other, until the checkpoint is complete. */
async function receive(
  run: string,
  open: OpenStream,
  options: DownloadOptions & { clock: Clock; intake: CheckpointIntake },
): Promise<CheckpointInfo> {
  const { clock, intake, signal, giveUpAfterMs = 60_000 } = options;
  let lastChunkAtMs = clock.monotonicMs();
  let failures = 0;
  for (;;) {
    let problem: unknown = new ClusterError("UNAVAILABLE", "the coordinator closed the stream");
    // Continue with the same checkpoint, even if there is a better or newer one by now.
    const which = String(intake.checkpoint?.iteration ?? options.checkpoint ?? "best");
    try {
      for await (const chunk of open(which, intake.receivedBytes)) {
        lastChunkAtMs = clock.monotonicMs();
        failures = 0;
        await intake.take(chunk);
        reportProgress(intake, options);
      }
    } catch (thrown) {
      if (!(thrown instanceof ClusterError && thrown.retryable)) throw thrown;
      problem = thrown;
    }
    if (intake.isComplete && intake.checkpoint !== null) return intake.checkpoint;
    if (clock.monotonicMs() - lastChunkAtMs >= giveUpAfterMs) {
      throw new DownloadLostError(run, intake.receivedBytes, problem);
    }
    options.onReconnect?.(problem);
    failures += 1;
    await clock.sleep(backoffMs(RECONNECT, failures), signal);
  }
}

function reportProgress(intake: CheckpointIntake, { onProgress }: DownloadOptions): void {
  const { checkpoint, receivedBytes, totalBytes } = intake;
  if (checkpoint !== null) onProgress?.({ checkpoint, receivedBytes, totalBytes });
}
