import { type FileHandle, open } from "node:fs/promises";

import { errorMessage } from "@gumshoe/core";

import { DamagedWeightError, ModelFolderError } from "../errors.js";
import { GIT_POINTER, refuseGitPointer, regularFileSize } from "./assets.js";
import { BYTES_PER_FLOAT, decodeFloats, type FloatFormat, isFloatFormat } from "./float-format.js";
import {
  LENGTH_BYTES,
  MAX_HEADER_BYTES,
  parseSafetensorsHeader,
  type SafetensorsContent,
  type StoredTensor,
} from "./safetensors-header.js";

/** Bytes of one read; the operating system cannot read 2 GiB or more at once. */
const MAX_READ_BYTES = 1 << 28;
/** Exponent bits of a float32; only in infinities and NaN are all of them set. */
const EXPONENT = 0x7f800000;

/** An open safetensors file; any part of any tensor can be read. */
export class SafetensorsFile {
  private constructor(
    readonly file: string,
    private readonly content: SafetensorsContent,
    private readonly handle: FileHandle,
    private readonly dataStart: number,
  ) {}

  /** The tensors, by name. */
  get tensors(): ReadonlyMap<string, StoredTensor> {
    return this.content.tensors;
  }

  /** Free texts of the header, by key. */
  get metadata(): Readonly<Record<string, string>> {
    return this.content.metadata;
  }

  /** @throws ModelFolderError when the file is missing, truncated or not safetensors */
  static async open(file: string): Promise<SafetensorsFile> {
    if ((await regularFileSize(file)) === null)
      throw new ModelFolderError({ file }, "does not exist");
    const handle = await open(file, "r").catch((error: unknown) => {
      throw new ModelFolderError({ file }, `cannot be opened: ${errorMessage(error)}`, error);
    });
    try {
      const { size } = await handle.stat();
      await refusePointer({ file, handle }, size);
      if (size < LENGTH_BYTES) throw new ModelFolderError({ file }, `has only ${size} bytes`);
      const head = await readExactly({ file, handle }, 0, LENGTH_BYTES);
      const length = Number(new DataView(head.buffer).getBigUint64(0, true));
      const dataStart = LENGTH_BYTES + length;
      refuseOtherKind(file, head);
      if (length > MAX_HEADER_BYTES) {
        throw new ModelFolderError({ file }, `is no safetensors file: a header of ${length} bytes`);
      }
      if (dataStart > size) {
        throw new ModelFolderError({ file }, `is truncated: ${size} bytes end within its header`);
      }
      const json = await readExactly({ file, handle }, LENGTH_BYTES, length);
      const content = parseSafetensorsHeader(file, json, size - dataStart);
      return new SafetensorsFile(file, content, handle, dataStart);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * Checks that a tensor exists, has the shape that the model needs, and a supported dtype.
   *
   * @throws ModelFolderError
   */
  check(name: string, shape: readonly number[]): void {
    const tensor = this.tensors.get(name);
    const where = { file: this.file, tensor: name };
    if (tensor === undefined) throw new ModelFolderError(where, "is missing");
    const expected = `[${shape.join(", ")}]`;
    const found = `[${tensor.shape.join(", ")}]`;
    if (found !== expected) {
      throw new ModelFolderError(where, `has shape ${found}; the config asks for ${expected}`);
    }
    const count = shape.reduce((product, size) => product * size, 1);
    const bytes = tensor.end - tensor.begin;
    if (bytes !== count * BYTES_PER_FLOAT[this.formatOf(name, tensor)]) {
      throw new ModelFolderError(where, `has ${bytes} bytes, not ${count} x ${tensor.dtype}`);
    }
  }

  /**
   * Reads a part of a tensor.
   *
   * @param start  first element, in row-major order
   * @returns      elements [start, end) as f32
   * @throws       ModelFolderError when the file became shorter
   * @throws       DamagedWeightError when an element is NaN or infinite
   */
  async read(name: string, start: number, end: number): Promise<Float32Array> {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) {
      throw new ModelFolderError({ file: this.file, tensor: name }, "is missing");
    }
    const format = this.formatOf(name, tensor);
    const size = BYTES_PER_FLOAT[format];
    const position = this.dataStart + tensor.begin + start * size;
    const source = { file: this.file, handle: this.handle };
    const values = decodeFloats(await readExactly(source, position, (end - start) * size), format);
    const bad = firstNotFinite(values);
    if (bad === -1) return values;
    const place = placeOf(start + bad, tensor.shape);
    throw new DamagedWeightError(this.file, name, { value: values[bad] ?? NaN, place });
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  private formatOf(name: string, { dtype }: StoredTensor): FloatFormat {
    if (isFloatFormat(dtype)) return dtype;
    const known = Object.keys(BYTES_PER_FLOAT).join(", ");
    const where = { file: this.file, tensor: name };
    throw new ModelFolderError(where, `has dtype ${dtype}; known are ${known}`);
  }
}

/** Describes a Git LFS pointer that is there instead of the file itself. */
async function refusePointer(source: { file: string; handle: FileHandle }, size: number) {
  const head = await readExactly(source, 0, Math.min(size, GIT_POINTER.length));
  refuseGitPointer(source.file, new TextDecoder().decode(head));
}

/** Returns the index of the first element that is NaN or infinite, or -1. */
function firstNotFinite(values: Float32Array): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  // No calls in this loop, because it scans all weights of a model.
  for (let i = 0; i < bits.length; i++) {
    if (((bits[i] as number) & EXPONENT) === EXPONENT) return i;
  }
  return -1;
}

/** Returns the index of an element in each dimension. */
function placeOf(index: number, shape: readonly number[]): number[] {
  const place: number[] = [];
  let rest = index;
  for (const size of [...shape].reverse()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return place;
}

async function readExactly(
  source: { file: string; handle: FileHandle },
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const wanted = Math.min(length - done, MAX_READ_BYTES);
    const { bytesRead } = await source.handle.read(bytes, done, wanted, position + done);
    if (bytesRead === 0) {
      throw new ModelFolderError({ file: source.file }, `ends at byte ${position + done}`);
    }
    done += bytesRead;
  }
  return bytes;
}

/** First bytes of kinds of files that are taken for safetensors, and those kinds. */
const MAGIC = { "\x1f\x8b": "gzip", "PK\x03\x04": "a zip (or torch) file", GGUF: "GGUF" };

/** @throws ModelFolderError for a compressed file, another format, or what a failed download leaves */
function refuseOtherKind(file: string, head: Uint8Array): void {
  const text = Buffer.from(head).toString("latin1");
  const kind = Object.entries(MAGIC).find(([magic]) => text.startsWith(magic))?.[1];
  if (kind !== undefined) {
    throw new ModelFolderError({ file }, `is no safetensors file but ${kind}`);
  }
  if (!/^[\t\n\r -~]+$/.test(text)) return;
  const problem = `is no safetensors file: it is a text that begins with ${JSON.stringify(text)}`;
  throw new ModelFolderError({ file }, `${problem}, perhaps the page of a failed download`);
}
