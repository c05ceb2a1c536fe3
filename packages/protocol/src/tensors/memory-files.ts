import { readFileSync, readlinkSync, unlinkSync } from "node:fs";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { floatsToBytes } from "./floats.js";

/** Vectors that stay readable after newer ones were shared: more than anybody still asks for. */
const KEPT_FILES = 4;
const MEMORY_FOLDER = "/dev/shm";

/**
 * Names the place in which processes can open each other's files under `/proc`: one boot of one machine,
 * one space of process numbers. Empty where there is no such thing.
 */
export function placeOfProcess(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}

/**
 * Vectors in files that lie in memory, for other processes of this place.
 *
 * - A file has no name of its own: others open it as this process's descriptor. Whatever kills the
 *   process, nothing is left behind.
 * - A file never changes. It is closed when newer ones took its place; who has opened it reads on.
 */
export class MemoryFiles {
  readonly place = placeOfProcess();
  readonly #files = new Map<string, Promise<FileHandle>>();

  /**
   * Returns the path at which others can read a vector: float32, little-endian.
   *
   * @param key     names the vector; the same key is the same values
   * @throws        when there is no room for the file
   */
  async share(key: string, values: Float32Array): Promise<string> {
    let file = this.#files.get(key);
    if (file === undefined) {
      file = writeNameless(values);
      this.#files.set(key, file);
      file.catch(() => this.#files.delete(key));
      this.#closeOld();
    }
    return `/proc/${process.pid}/fd/${(await file).fd}`;
  }

  /** Closes all files. */
  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    await Promise.all(files.map(closeQuietly));
  }

  #closeOld(): void {
    for (const [key, file] of this.#files) {
      if (this.#files.size <= KEPT_FILES) return;
      this.#files.delete(key);
      void closeQuietly(file);
    }
  }
}

/**
 * Fills `target` from a file, from `offset` bytes on.
 *
 * @throws  when the file cannot be read, or ends too early
 */
export async function readMemoryFile(
  path: string,
  offset: number,
  target: Uint8Array,
): Promise<void> {
  const file = await open(path, "r");
  try {
    for (let done = 0; done < target.byteLength;) {
      const left = target.byteLength - done;
      const { bytesRead } = await file.read(target, done, left, offset + done);
      if (bytesRead === 0) throw new Error(`${path} ends ${left} bytes too early`);
      done += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/** Writes values into a file that no folder names any more. */
async function writeNameless(values: Float32Array): Promise<FileHandle> {
  const folder = await makeFolder();
  const path = join(folder, "vector");
  let file: FileHandle | null = null;
  try {
    file = await open(path, "wx+", 0o600);
    unlinkSync(path);
    const bytes = floatsToBytes(values);
    for (let done = 0; done < bytes.byteLength;) {
      const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, done);
      done += bytesWritten;
    }
    return file;
  } catch (error) {
    await file?.close();
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeFolder(): Promise<string> {
  try {
    return await mkdtemp(join(MEMORY_FOLDER, "gumshoe-"));
  } catch {
    return mkdtemp(join(tmpdir(), "gumshoe-"));
  }
}

async function closeQuietly(file: Promise<FileHandle>): Promise<void> {
  try {
    await (await file).close();
  } catch {
    // It was never opened, or is closed already.
  }
}
