/** Transfers ranges of flat float32 vectors between processes; the process that needs them pulls them. */
import { hostIdentity, InvalidArgumentError } from "@gumshoe/core";
import {
  bytesToFloats,
  floatsToBytes,
  MalformedMessageError,
  type PullTensorRequest,
  type TensorChunk,
  TensorService,
} from "@gumshoe/protocol";
import type { CallOptions, RpcChannel } from "@gumshoe/rpc";

import { TensorNotHeldError } from "./errors.js";
import type { RegionFile } from "./region.js";
import { releaseMemory } from "./release-memory.js";

/** Bytes in flight that the client allows; set it on the channel for tensor pulls. */
export const TENSOR_WINDOW_BYTES = 32 * 1024 * 1024;

/** Bytes per chunk. Smaller chunks are slower, by a third at 1 MiB; larger ones are no faster. */
const CHUNK_BYTES = 4 * 1024 * 1024;

const F32_BYTES = 4;
const CHUNK_ELEMENTS = CHUNK_BYTES / F32_BYTES;
const NO_DATA = Buffer.alloc(0);
const NO_FILE = { file: "", fileOffset: 0, fileElements: 0, fileGeneration: 0 };

/** A held part of a vector. */
export interface HeldRange {
  /** First held element of the whole vector, and one past the last. */
  readonly start: number;
  readonly end: number;
  /** Returns elements [start, end) of the vector, valid until the next call. */
  read(start: number, end: number): Float32Array | Promise<Float32Array>;
  /** A region with the vector, for processes of this machine; null if there is none. */
  readonly file: RegionFile | null;
}

/** Creates a held range from contiguous values, without a region. */
export function heldVector(start: number, values: Float32Array): HeldRange {
  const read = (from: number, to: number) => values.subarray(from - start, to - start);
  return { start, end: start + values.length, read, file: null };
}

/**
 * Serves a range of a held vector, as the handler of `TensorService.PullTensor`. A caller on this machine that asks
 * for it gets the location of the region, others get the values. These are read during the stream, so they must not
 * change before it ends.
 *
 * @throws  TensorNotHeldError when the requested range is not wholly held
 */
export async function* serveTensor(
  request: PullTensorRequest,
  held: HeldRange,
): AsyncGenerator<TensorChunk> {
  const { start, end, hostId } = request;
  if (start > end) throw new InvalidArgumentError("start", `${start} is after the end, ${end}`);
  if (start < held.start || end > held.end) {
    const has = `${held.start} to ${held.end}`;
    throw new TensorNotHeldError(request.name, `is held from ${has}, not ${start} to ${end}`);
  }
  const { file } = held;
  if (file !== null && hostId !== "" && hostId === hostIdentity()) {
    const place = { file: file.path, fileOffset: 0, fileGeneration: file.inode };
    yield { offset: start, data: NO_DATA, dtype: "f32", ...place, fileElements: end - start };
    return;
  }
  for (let offset = start; offset < end; offset += CHUNK_ELEMENTS) {
    const values = await held.read(offset, Math.min(end, offset + CHUNK_ELEMENTS));
    yield { ...NO_FILE, offset, data: floatsToBytes(values), dtype: "f32" };
  }
}

/**
 * Asks where on this machine a region with the vector can be opened.
 *
 * @returns  null when it is on another machine, or not shared
 * @throws   RpcError, NOT_FOUND when the vector is not held there (any more)
 */
export async function findTensorFile(
  channel: RpcChannel,
  request: Omit<PullTensorRequest, "hostId">,
  options: CallOptions = {},
): Promise<RegionFile | null> {
  const hostId = hostIdentity();
  if (hostId === "") return null;
  const asked = { ...request, hostId };
  for await (const chunk of channel.client(TensorService).pullTensor(asked, options)) {
    // Returning from the loop cancels the rest of the stream.
    return chunk.file === "" ? null : { path: chunk.file, inode: chunk.fileGeneration };
  }
  return null;
}

/** Receives values of a pulled vector, which are valid during the call only. */
export type TensorSink = (values: Float32Array, start: number) => void;

/**
 * Streams a range of a vector.
 *
 * @param target  [request.end - request.start] f32, filled from its first element on; or a function that is called
 *                with the values in order, and the index of their first element in the vector
 * @throws        MalformedMessageError when chunks are missing, repeated or of another dtype; RpcError, NOT_FOUND
 *                when the vector is not held there (any more)
 */
export async function pullTensor(
  channel: RpcChannel,
  request: Omit<PullTensorRequest, "hostId">,
  target: Float32Array | TensorSink,
  options: CallOptions = {},
): Promise<void> {
  const { start, end, name } = request;
  if (target instanceof Float32Array && target.length !== end - start) {
    const problem = `holds ${target.length} elements, not the range asked`;
    throw new InvalidArgumentError("target", problem);
  }
  const asked = { ...request, hostId: "" };
  let next = start;
  for await (const chunk of channel.client(TensorService).pullTensor(asked, options)) {
    const elements = elementsOf(chunk, asked, next);
    if (target instanceof Float32Array) {
      floatsToBytes(target).set(chunk.data, (next - start) * F32_BYTES);
    } else {
      target(bytesToFloats(chunk.data), next);
    }
    releaseMemory(chunk.data);
    next += elements;
  }
  if (next !== end) throw new MalformedMessageError(`${name}: ended at ${next}, not at ${end}`);
}

/** Returns the number of values in a chunk; throws when they are not the next ones. */
function elementsOf(chunk: TensorChunk, request: PullTensorRequest, next: number): number {
  const elements = chunk.data.byteLength / F32_BYTES;
  if (chunk.dtype !== "f32" || chunk.offset !== next || !Number.isInteger(elements)) {
    throw new MalformedMessageError(
      `${request.name}: a chunk of ${chunk.dtype} at ${chunk.offset} where f32 at ${next} must come`,
    );
  }
  if (next + elements > request.end) {
    throw new MalformedMessageError(`${request.name}: more elements than were asked for`);
  }
  return elements;
}
