/**
 * Moves ranges of flat float32 vectors between processes: always pulled by the one who needs them.
 */
import { InvalidArgumentError } from "@gumshoe/core";

import { type PullTensorRequest, type TensorChunk } from "../gen/gumshoe/v1/tensors.js";
import { MalformedMessageError, TensorNotHeldError } from "../errors.js";
import { type CallOptions, type RpcChannel } from "../rpc/channel.js";
import { TensorService } from "./chunk-codec.js";
import { floatsToBytes } from "./floats.js";
import { type MemoryFiles, placeOfProcess, readMemoryFile } from "./memory-files.js";

/** Bytes in flight that a puller allows; give it to the channel that tensors are pulled through. */
export const TENSOR_WINDOW_BYTES = 32 * 1024 * 1024;

/** Bytes of one chunk: larger ones are not faster. */
const CHUNK_BYTES = 1024 * 1024;

const F32_BYTES = 4;
const CHUNK_ELEMENTS = CHUNK_BYTES / F32_BYTES;

/** A part of a vector that is held here. */
export interface HeldRange {
  /** Place of the first held element in the whole vector. */
  readonly start: number;
  /** [elements] f32 */
  readonly values: Float32Array;
}

/**
 * Serves a range of a held vector, as the handler of `TensorService.PullTensor`. The values are read
 * while the stream runs, so they must not change before it ends.
 *
 * @param files  where the vector may be put for askers in the same place; without, all is streamed
 * @throws       TensorNotHeldError when the range asked for is not wholly held
 */
export async function* serveTensor(
  request: PullTensorRequest,
  held: HeldRange,
  files?: MemoryFiles,
): AsyncGenerator<TensorChunk> {
  const { start, end } = request;
  if (start > end) throw new InvalidArgumentError("start", `${start} is after the end, ${end}`);
  if (start < held.start || end > held.start + held.values.length) {
    const has = `${held.start} to ${held.start + held.values.length}`;
    throw new TensorNotHeldError(request.name, `is held from ${has}, not ${start} to ${end}`);
  }
  const file = await fileFor(request, held, files);
  if (file !== null) {
    const fileOffset = (start - held.start) * F32_BYTES;
    yield { offset: start, data: Buffer.alloc(0), dtype: "f32", file, fileOffset };
    return;
  }
  for (let offset = start; offset < end; offset += CHUNK_ELEMENTS) {
    const stop = Math.min(end, offset + CHUNK_ELEMENTS);
    const values = held.values.subarray(offset - held.start, stop - held.start);
    yield { offset, data: floatsToBytes(values), dtype: "f32", file: "", fileOffset: 0 };
  }
}

/** Puts a held vector into a file, if the asker can read it; null to stream it. */
async function fileFor(
  request: PullTensorRequest,
  held: HeldRange,
  files: MemoryFiles | undefined,
): Promise<string | null> {
  if (files === undefined || request.place === "" || request.place !== files.place) return null;
  const key = `${request.run} ${request.name} ${held.start}`;
  // Without room for a file the values still get there.
  return files.share(key, held.values).catch(() => null);
}

/**
 * Pulls a range of a vector into memory of the caller's.
 *
 * @param target  [request.end - request.start] f32, filled from its first element on
 * @throws        MalformedMessageError when chunks are missing, doubled or of another dtype;
 *                RpcError, NOT_FOUND when the vector is not held there (any more)
 */
export async function pullTensor(
  channel: RpcChannel,
  request: Omit<PullTensorRequest, "place">,
  target: Float32Array,
  options: CallOptions = {},
): Promise<void> {
  if (target.length !== request.end - request.start) {
    throw new InvalidArgumentError(
      "target",
      `holds ${target.length} elements, not the range asked`,
    );
  }
  const file = await pullInto(channel, { ...request, place: placeOfProcess() }, target, options);
  if (file === null) return;
  try {
    await readMemoryFile(file.path, file.offset, floatsToBytes(target));
  } catch {
    // The file was closed meanwhile, or belongs to another user: then the values are streamed.
    await pullInto(channel, { ...request, place: "" }, target, options);
  }
}

/** Fills the target from the stream; returns the file that holds the values instead, if one does. */
async function pullInto(
  channel: RpcChannel,
  request: PullTensorRequest,
  target: Float32Array,
  options: CallOptions,
): Promise<{ path: string; offset: number } | null> {
  const bytes = floatsToBytes(target);
  let next = request.start;
  for await (const chunk of channel.client(TensorService).pullTensor(request, options)) {
    if (chunk.file !== "") return { path: chunk.file, offset: chunk.fileOffset };
    const elements = chunk.data.byteLength / F32_BYTES;
    if (chunk.dtype !== "f32" || chunk.offset !== next || !Number.isInteger(elements)) {
      throw new MalformedMessageError(
        `${request.name}: a chunk of ${chunk.dtype} at ${chunk.offset} where f32 at ${next} must come`,
      );
    }
    if (next + elements > request.end) {
      throw new MalformedMessageError(`${request.name}: more elements than were asked for`);
    }
    bytes.set(chunk.data, (next - request.start) * F32_BYTES);
    next += elements;
  }
  if (next !== request.end) {
    throw new MalformedMessageError(`${request.name}: ended at ${next}, not at ${request.end}`);
  }
  return null;
}
