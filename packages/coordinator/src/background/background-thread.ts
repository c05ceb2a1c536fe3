import { errorMessage, ThreadCalls } from "@gumshoe/core";

import { BlobsFailedError, UnreadableFileError } from "../errors.js";
import type { TrainingBatch } from "../learn/training-batch.js";
import type { BackgroundCalls, SampledGroups } from "./calls.js";

/**
 * Reading the thousands of groups of an iteration makes garbage at a high rate; with V8's default
 * the thread's heap would grow to several times of what is alive before it is collected.
 */
const YOUNG_GENERATION_MB = 6;

/**
 * Runs blob writes, file hashes and update planning on a second thread, so that leases, heartbeats
 * and RPCs on the main thread never wait for them.
 *
 * Writing a blob takes half a dozen system calls, each with a promise and a native handle.
 * Thousands of blobs a minute would take a fifth of the main thread's time and lengthen its garbage
 * collections.
 */
export class BackgroundThread {
  readonly #calls = new ThreadCalls<BackgroundCalls>(new URL("./thread.js", import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    toEndError: (problem, cause) =>
      new BlobsFailedError(`the thread that writes them ${problem}`, cause),
  });

  /**
   * Resolves when a blob is on disk.
   *
   * @param name  the SHA-256 of the bytes
   * @throws      BlobsFailedError, e.g. when the disk is full
   */
  async writeBlob(folder: string, name: string, bytes: Uint8Array): Promise<void> {
    // postMessage clones the whole buffer under a view, so a view of part of one is copied first.
    const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
    try {
      await this.#calls.call("writeBlob", { folder, name, bytes: own });
    } catch (error) {
      if (error instanceof BlobsFailedError) throw error;
      throw new BlobsFailedError(errorMessage(error), error);
    }
  }

  /** Computes the SHA-256 of a file. @throws UnreadableFileError */
  async hashFile(file: string): Promise<string> {
    try {
      return await this.#calls.call("hashFile", file);
    } catch (error) {
      throw new UnreadableFileError(file, errorMessage(error));
    }
  }

  /** Plans the updates of an iteration. @throws ClusterError */
  planUpdates(groups: SampledGroups): Promise<TrainingBatch> {
    return this.#calls.call("planUpdates", groups);
  }

  /** Ends the thread; pending writes fail. */
  async stop(): Promise<void> {
    await this.#calls.stop();
  }
}
