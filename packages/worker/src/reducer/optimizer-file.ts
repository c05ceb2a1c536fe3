import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

import { errorMessage } from "@gumshoe/core";
import { bytesToFloats, EARLIER_MOMENTS_FILE, MOMENTS_FILE } from "@gumshoe/protocol";

import { OptimizerFileError } from "../errors.js";

const F32_BYTES = 4;
/** Greatest length of a safetensors header, in bytes: a real one has two tensors. */
const MAX_HEADER_BYTES = 1 << 20;

/** An open file of a checkpoint's moments. */
export interface MomentsFile {
  /**
   * Reads elements [start, end) of both moments.
   *
   * @returns  m and v [end - start] f32
   * @throws   OptimizerFileError when the file is truncated or of another shape
   */
  read(start: number, end: number): Promise<{ m: Float32Array; v: Float32Array }>;
  /**
   * Reads elements [start, end) of the weights; null if the model's own file has them in full precision.
   *
   * @throws    OptimizerFileError
   */
  readonly readMaster: ((start: number, end: number) => Promise<Float32Array>) | null;
  close(): Promise<void>;
}

/**
 * Opens a checkpoint's `optimizer.moments`, or the `optimizer.safetensors` of the earlier format.
 *
 * @throws OptimizerFileError when the file is missing or broken
 */
export async function openMoments(folder: string): Promise<MomentsFile> {
  const earlier = join(folder, EARLIER_MOMENTS_FILE);
  const file = existsSync(earlier) ? earlier : join(folder, MOMENTS_FILE);
  const handle = await open(file).catch((cause: unknown) => {
    throw new OptimizerFileError(file, errorMessage(cause), cause);
  });
  const read = async (length: number, position: number): Promise<Buffer> => {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await handle.read(bytes, 0, length, position);
    if (bytesRead !== length) throw new OptimizerFileError(file, "is truncated");
    return bytes;
  };
  try {
    const headerBytes = Number((await read(8, 0)).readBigUInt64LE());
    if (headerBytes > MAX_HEADER_BYTES) throw new OptimizerFileError(file, "has a broken header");
    const header = parseHeader(file, (await read(headerBytes, 8)).toString("utf8"));
    const range = async (name: string, start: number, end: number): Promise<Float32Array> => {
      const [begin, behind] = offsetsOf(header, name);
      if (behind - begin < end * F32_BYTES) {
        throw new OptimizerFileError(file, `does not hold ${name} up to element ${end}`);
      }
      const position = 8 + headerBytes + begin + start * F32_BYTES;
      return bytesToFloats(await read((end - start) * F32_BYTES, position));
    };
    return {
      read: async (start, end) => ({
        m: await range("exp_avg", start, end),
        v: await range("exp_avg_sq", start, end),
      }),
      readMaster: hasTensor(header, "master") ? (start, end) => range("master", start, end) : null,
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function parseHeader(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OptimizerFileError(file, "has a broken header", cause);
  }
}

function hasTensor(header: unknown, name: string): boolean {
  return Object.hasOwn(Object(header) as object, name);
}

/** Returns the byte range of a tensor after the header; an empty range if the header has none. */
function offsetsOf(header: unknown, name: string): readonly [begin: number, behind: number] {
  const fields = (header ?? {}) as Readonly<Record<string, { data_offsets?: unknown } | null>>;
  const offsets = Object.hasOwn(fields, name) ? fields[name]?.data_offsets : null;
  if (!Array.isArray(offsets)) return [0, 0];
  const [begin, behind] = offsets as unknown[];
  return isOffset(begin) && isOffset(behind) ? [begin, behind] : [0, 0];
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
