import { access } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { errorMessage, sha256, syncFolder, writeWhole } from "@gumshoe/core";

import { CorruptRecordError } from "../errors.js";
import { makeSubfolder } from "./subfolder.js";
import { SharedSync } from "./shared-sync.js";
import { Slots } from "./slots.js";

/**
 * Blobs that are written at the same time. Each write is several libuv thread-pool operations:
 * hundreds at once would delay the ledger's own, and then all complete in one event-loop iteration.
 */
const WRITES_AT_ONCE = 8;

/** Content-addressed files: a blob's name is the SHA-256 of its bytes. */
export class BlobStore {
  readonly folder: string;
  readonly #writes = new Slots(WRITES_AT_ONCE);
  readonly #names: SharedSync;

  private constructor(folder: string) {
    this.folder = folder;
    this.#names = new SharedSync(() => syncFolder(folder));
  }

  /** Opens a store, creating its folder if the parent exists. */
  static async open(folder: string): Promise<BlobStore> {
    await makeSubfolder(folder);
    return new BlobStore(folder);
  }

  /**
   * Writes bytes unless the blob exists; returns its name.
   *
   * @param name  the SHA-256 of the bytes, if the caller has computed it
   */
  async put(bytes: Uint8Array, name = sha256(bytes)): Promise<string> {
    const file = join(this.folder, name);
    await this.#writes.during(async () => {
      if (!(await isThere(file))) await writeWhole(file, bytes);
    });
    // One directory sync covers all blobs that were written meanwhile.
    await this.#names.done();
    return name;
  }

  /** @throws CorruptRecordError when the blob is missing or its bytes have changed */
  async get(name: string): Promise<Buffer> {
    const file = join(this.folder, name);
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw new CorruptRecordError(file, errorMessage(cause), cause);
    });
    if (sha256(bytes) !== name) throw new CorruptRecordError(file, "its bytes have changed");
    return bytes;
  }
}

/**
 * Uses the asynchronous `access`: even this system call may block while the folder is being synced.
 */
function isThere(file: string): Promise<boolean> {
  return new Promise((resolve) => access(file, (error) => resolve(error === null)));
}
