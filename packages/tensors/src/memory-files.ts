import { readFileSync, readlinkSync, unlinkSync } from "node:fs";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { floatsToBytes } from "@gumshoe/protocol";

/** Vectors that stay readable after newer ones were shared: more than anybody still asks for. */
const KEPT_FILES = 4;
const MEMORY_FOLDER = "/dev/shm";
/** What comes before the values: the generation, and room up to the next page. */
const HEAD_BYTES = 4096;
/**
 * Values written in one go; whoever reads follows a piece behind. Small ones first, so that reading begins soon,
 * then larger ones, so that it is seldom woken.
 */
const FIRST_PIECE = 256 * 1024;
const LARGEST_PIECE = 4 * 1024 * 1024;
const F32_BYTES = 4;

/**
 * Names the place in which processes can open each other's files under `/proc`: one boot of one machine,
 * one space of process numbers. Empty where there is no such thing.
 */
export function hostIdentity(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}

/** A vector that lies in a file, or is being written into it. */
export interface SharedVector {
  /** Where others can open the file. */
  readonly path: string;
  /** What the file's first 8 bytes hold, a little-endian double, as long as the vector is in it. */
  readonly generation: number;
  /** Place of the first value in the file, in bytes. */
  readonly offset: number;
  /**
   * Waits until the first `elements` values are in the file; returns how many there are by then.
   *
   * @throws  when there was no room for them
   */
  written(elements: number): Promise<number>;
}

/**
 * Vectors in files that lie in memory, for other processes of this place.
 *
 * - A file has no name of its own: others open it as this process's descriptor. Whatever kills the
 *   process, nothing is left behind.
 * - The oldest vector gives its file to a newer one: pages that are there already are filled several
 *   times as fast as new ones. Who still reads it finds another generation.
 */
export class MemoryFiles {
  readonly hostId = hostIdentity();
  /** By key, the oldest first. */
  readonly #vectors = new Map<string, Writing>();
  #generation = 0;

  /** Says whether vectors are shared here: then the next one will be asked for too. */
  get isUsed(): boolean {
    return this.#vectors.size > 0;
  }

  /**
   * Shares a vector: float32, little-endian. The values are read until all are written, and must not
   * change before.
   *
   * @param key     names the vector; the same key is the same values
   * @throws        when no file can be made, or all are still being written
   */
  async share(key: string, values: Float32Array): Promise<SharedVector> {
    let writing = this.#vectors.get(key);
    if (writing === undefined) {
      writing = new Writing(this.#takeFile(), values, ++this.#generation);
      const begun = writing;
      this.#vectors.set(key, begun);
      begun.whole.catch(() => {
        if (this.#vectors.get(key) === begun) this.#vectors.delete(key);
        void closeQuietly(begun.file);
      });
    }
    return writing.begun;
  }

  /** Closes all files. */
  async close(): Promise<void> {
    const files = [...this.#vectors.values()].map(({ file }) => file);
    this.#vectors.clear();
    await Promise.all(files.map(closeQuietly));
  }

  /** A file of the oldest vector that is wholly written, or a new one. */
  async #takeFile(): Promise<FileHandle> {
    if (this.#vectors.size < KEPT_FILES) return makeNameless();
    for (const [key, writing] of this.#vectors) {
      if (!writing.isDone) continue;
      this.#vectors.delete(key);
      return writing.file;
    }
    throw new Error("all files in memory are still being written");
  }
}

/** One vector on its way into a file. */
class Writing {
  /** Resolves once the file says whose it is. */
  readonly begun: Promise<SharedVector>;
  /** Resolves once all values are in it. */
  readonly whole: Promise<unknown>;
  readonly file: Promise<FileHandle>;
  isDone = false;
  readonly #pieces: { end: number; written: Promise<void> }[] = [];
  #numWritten = 0;

  constructor(file: Promise<FileHandle>, values: Float32Array, generation: number) {
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeDoubleLE(generation);
    this.file = file;
    let last = file.then((opened) => writeAt(opened, head, 0));
    this.begun = last.then(async () => ({
      path: `/proc/${process.pid}/fd/${(await file).fd}`,
      generation,
      offset: HEAD_BYTES,
      written: (elements: number) => this.#written(elements),
    }));
    for (let start = 0, end = 0; start < values.length; start = end) {
      const size = Math.min(Math.max(FIRST_PIECE, start), LARGEST_PIECE);
      end = Math.min(values.length, start + size);
      const bytes = floatsToBytes(values.subarray(start, end));
      last = last.then(async () => {
        await writeAt(await file, bytes, HEAD_BYTES + start * F32_BYTES);
        this.#numWritten = end;
      });
      // Whoever waits for the piece hears of it; nobody may.
      last.catch(() => undefined);
      this.#pieces.push({ end, written: last });
    }
    this.begun.catch(() => undefined);
    this.whole = last.then(() => (this.isDone = true));
  }

  async #written(elements: number): Promise<number> {
    const piece = this.#pieces.find(({ end }) => end >= elements);
    await piece?.written;
    return Math.max(piece?.end ?? 0, this.#numWritten);
  }
}

/** Another process's vector in a file. */
export class MemoryFileReader {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** @throws  when the file is gone, or belongs to another user */
  static async open(path: string): Promise<MemoryFileReader> {
    return new MemoryFileReader(await open(path, "r"));
  }

  /**
   * Fills `target` from `offset` bytes on.
   *
   * @throws  when the file ends too early
   */
  async read(offset: number, target: Uint8Array): Promise<void> {
    for (let done = 0; done < target.byteLength;) {
      const left = target.byteLength - done;
      const { bytesRead } = await this.#file.read(target, done, left, offset + done);
      if (bytesRead === 0) throw new Error(`the file in memory ends ${left} bytes too early`);
      done += bytesRead;
    }
  }

  /** Says whether the file still holds the vector of this generation: if so, all that was read is of it. */
  async holds(generation: number): Promise<boolean> {
    const head = Buffer.alloc(8);
    await this.read(0, head);
    return head.readDoubleLE() === generation;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** A file in memory that no folder names any more. */
async function makeNameless(): Promise<FileHandle> {
  const folder = await makeFolder();
  const path = join(folder, "vector");
  try {
    const file = await open(path, "wx+", 0o600);
    unlinkSync(path);
    return file;
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

async function writeAt(file: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, offset + done);
    done += bytesWritten;
  }
}

async function closeQuietly(file: Promise<FileHandle>): Promise<void> {
  try {
    await (await file).close();
  } catch {
    // It was never opened, or is closed already.
  }
}
