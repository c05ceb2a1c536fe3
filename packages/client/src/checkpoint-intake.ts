/**
 * Writes the stream of a checkpoint to a folder.
 *
 * - Every byte must arrive at its offset, and every file must have the announced hash.
 * - A broken stream is followed by another one that continues at `receivedBytes`.
 */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";

import { canonicalJson, errorMessage } from "@gumshoe/core";
import type { CheckpointChunk, CheckpointFileInfo } from "@gumshoe/protocol";

import { type CheckpointInfo, fromCheckpoint } from "./checkpoint-info.js";
import { CorruptDownloadError, DownloadWriteError } from "./errors.js";

/** A file that is being written. */
interface Part {
  readonly info: CheckpointFileInfo;
  readonly handle: FileHandle;
  readonly hash: Hash;
  bytes: number;
}

/** The receiving end of a download. */
export class CheckpointIntake {
  readonly #folder: string;
  #checkpoint: CheckpointInfo | null = null;
  #received = 0;
  #numDone = 0;
  #part: Part | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The announced checkpoint; null until the first message. */
  get checkpoint(): CheckpointInfo | null {
    return this.#checkpoint;
  }

  get receivedBytes(): number {
    return this.#received;
  }

  get totalBytes(): number {
    return (this.#checkpoint?.files ?? []).reduce((total, { bytes }) => total + bytes, 0);
  }

  get isComplete(): boolean {
    return this.#checkpoint !== null && this.#numDone === this.#checkpoint.files.length;
  }

  /** Writes the next message of a stream. @throws CorruptDownloadError, DownloadWriteError */
  async take(chunk: CheckpointChunk): Promise<void> {
    if (chunk.checkpoint !== undefined) this.#announce(fromCheckpoint(chunk.checkpoint));
    if (chunk.data.byteLength > 0) await this.#write(chunk);
    await this.#finishEmptyFiles();
  }

  /** Closes the current file. Idempotent. */
  async close(): Promise<void> {
    const part = this.#part;
    this.#part = null;
    await part?.handle.close();
  }

  #announce(checkpoint: CheckpointInfo): void {
    for (const { name } of checkpoint.files) {
      if (!/^[\w-][\w.-]*$/.test(name)) throw new CorruptDownloadError(name, "is no file name");
    }
    const before = this.#checkpoint;
    if (before !== null && canonicalJson(before.files) !== canonicalJson(checkpoint.files)) {
      throw new CorruptDownloadError("checkpoint", "was written anew during the download");
    }
    this.#checkpoint = checkpoint;
  }

  async #write({ file, offset, data }: CheckpointChunk): Promise<void> {
    const part = this.#part ?? (await this.#begin());
    const { info, bytes } = part;
    if (file !== info.name || offset !== bytes || bytes + data.byteLength > info.bytes) {
      const got = `${data.byteLength} bytes at ${offset}`;
      throw new CorruptDownloadError(file, `${got} came where ${info.name} at ${bytes} must`);
    }
    await this.#onDisk(info.name, () => part.handle.writeFile(data));
    part.hash.update(data);
    part.bytes += data.byteLength;
    this.#received += data.byteLength;
    if (part.bytes === info.bytes) await this.#finish(part);
  }

  async #begin(): Promise<Part> {
    const info = this.#checkpoint?.files[this.#numDone];
    if (info === undefined) {
      throw new CorruptDownloadError("checkpoint", "bytes came that were not announced");
    }
    const handle = await this.#onDisk(info.name, () => open(join(this.#folder, info.name), "wx"));
    this.#part = { info, handle, hash: createHash("sha256"), bytes: 0 };
    return this.#part;
  }

  async #finish({ info, handle, hash }: Part): Promise<void> {
    const digest = hash.digest("hex");
    if (digest !== info.sha256) {
      throw new CorruptDownloadError(info.name, `has hash ${digest}, ${info.sha256} was announced`);
    }
    await this.#onDisk(info.name, () => handle.sync());
    await this.close();
    this.#numDone += 1;
  }

  async #finishEmptyFiles(): Promise<void> {
    while (this.#part === null && this.#checkpoint?.files[this.#numDone]?.bytes === 0) {
      await this.#finish(await this.#begin());
    }
  }

  async #onDisk<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      throw new DownloadWriteError(join(this.#folder, name), errorMessage(thrown), thrown);
    }
  }
}
