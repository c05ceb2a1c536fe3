import { Worker } from "node:worker_threads";

import { errorMessage } from "@gumshoe/core";

import { BlobsFailedError, UnreadableFileError } from "../errors.js";
import { type DiskRequest, type DiskOutcome } from "./blob-write.js";

interface Pending {
  readonly resolve: (sha256: string) => void;
  readonly reject: (error: Error) => void;
  /** Makes the error of an order that failed. */
  readonly failure: (problem: string, cause: Error) => Error;
  /** File or folder that the order is about. */
  readonly path: string;
}

/**
 * Writes blobs, and hashes files, on a thread of its own. A blob is half a dozen operations of the system, each with a
 * promise and a native handle: thousands a minute would take a fifth of the main thread's time, and make
 * its garbage collector's pauses longer.
 */
export class DiskThread {
  readonly #worker = new Worker(new URL("./thread.js", import.meta.url));
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #lost: Error | null = null;

  constructor() {
    this.#worker.on("message", (outcome: DiskOutcome) => this.#settle(outcome));
    this.#worker.on("error", (error) => this.#end(errorMessage(error), error));
    this.#worker.on("exit", () => this.#end("the thread that writes them has ended"));
  }

  /**
   * Resolves when a blob is on disk.
   *
   * @param name  the SHA-256 of the bytes
   * @throws      BlobsFailedError, e.g. when the disk is full
   */
  async write(folder: string, name: string, bytes: Uint8Array): Promise<void> {
    // What travels is a copy of the whole buffer that the bytes lie in.
    const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
    await this.#order((id) => ({ type: "blob", id, folder, name, bytes: own }), {
      path: folder,
      failure: (problem, cause) => new BlobsFailedError(problem, cause),
    });
  }

  /** Computes the SHA-256 of a file. @throws UnreadableFileError */
  hash(file: string): Promise<string> {
    return this.#order((id) => ({ type: "hash", id, file }), {
      path: file,
      failure: (problem) => new UnreadableFileError(file, problem),
    });
  }

  /** Ends the thread; what is not on disk yet fails. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #order(
    make: (id: number) => DiskRequest,
    about: Pick<Pending, "path" | "failure">,
  ): Promise<string> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, path: about.path, failure: about.failure });
      this.#worker.postMessage(make(id));
    });
  }

  #settle({ id, problem, errno, sha256 }: DiskOutcome): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending === undefined) return;
    if (problem === null) {
      pending.resolve(sha256);
      return;
    }
    // An error that travels between threads keeps no fields of its own.
    const cause = Object.assign(new Error(problem), { code: errno, errno: 0, path: pending.path });
    pending.reject(pending.failure(problem, cause));
  }

  #end(problem: string, cause?: unknown): void {
    this.#lost ??= new BlobsFailedError(problem, cause);
    for (const pending of this.#pending.values()) pending.reject(this.#lost);
    this.#pending.clear();
  }
}
