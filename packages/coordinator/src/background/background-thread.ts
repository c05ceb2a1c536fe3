import { errorMessage, ThreadCalls } from "@gumshoe/core";

import { BlobsFailedError, UnreadableFileError } from "../errors.js";
import { type TrainingBatch } from "../learn/training-batch.js";
import { type BackgroundCalls, type SampledGroups } from "./calls.js";

/**
 * The coordinator's second thread: it writes blobs, hashes files and plans updates, so that leases,
 * heartbeats and calls on the main thread never wait for them.
 *
 * A blob is half a dozen system calls, each with a promise and a native handle: thousands a minute would take
 * a fifth of the main thread's time and make its garbage collection longer.
 */
export class BackgroundThread {
  readonly #calls = new ThreadCalls<BackgroundCalls>(new URL("./thread.js", import.meta.url), {
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
    // What is posted is a copy of the whole buffer that the bytes lie in.
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

  /** Ends the thread; what is not on disk yet fails. */
  async stop(): Promise<void> {
    await this.#calls.stop();
  }
}
