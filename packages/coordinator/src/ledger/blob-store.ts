import { access } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { errorMessage, sha256, syncFolder, writeWhole } from "@gumshoe/core";

import { CorruptRecordError } from "../errors.js";
import { makeSubfolder } from "./subfolder.js";
import { SharedSync } from "./shared-sync.js";
import { Slots } from "./slots.js";

/**
 * Blobs that are written at the same time. A write is some operations of the thread pool: those of
 * hundreds would keep the ledger waiting, and then come to their ends all at once.
 */
const WRITES_AT_ONCE = 8;

/** Content-addressed files: a blob's name is the SHA-256 of its bytes. */
export class BlobStore {
  readonly #folder: string;
  readonly #writes = new Slots(WRITES_AT_ONCE);
  readonly #names: SharedSync;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#names = new SharedSync(() => syncFolder(folder));
  }

  /** Opens a store, and makes its folder in one that is there. */
  static async open(folder: string): Promise<BlobStore> {
    await makeSubfolder(folder);
    return new BlobStore(folder);
  }

  /**
   * Writes bytes, unless they are there; returns their name.
   *
   * @param name  the SHA-256 of the bytes, where the caller has it already
   */
  async put(bytes: Uint8Array, name = sha256(bytes)): Promise<string> {
    const file = join(this.#folder, name);
    await this.#writes.during(async () => {
      if (!(await isThere(file))) await writeWhole(file, bytes);
    });
    // One sync for all blobs that came meanwhile.
    await this.#names.done();
    return name;
  }

  /** @throws CorruptRecordError when the blob is gone or its bytes have changed */
  async get(name: string): Promise<Buffer> {
    const file = join(this.#folder, name);
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw new CorruptRecordError(file, errorMessage(cause), cause);
    });
    if (sha256(bytes) !== name) throw new CorruptRecordError(file, "its bytes have changed");
    return bytes;
  }
}

/** Asks in the thread pool: while the folder is being synced, even this question may wait for the disk. */
function isThere(file: string): Promise<boolean> {
  return new Promise((resolve) => access(file, (error) => resolve(error === null)));
}
