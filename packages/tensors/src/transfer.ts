/**
 * Moves ranges of flat float32 vectors between processes: always pulled by the one who needs them.
 */
import { InvalidArgumentError } from "@gumshoe/core";
import {
  bytesToFloats,
  floatsToBytes,
  MalformedMessageError,
  type PullTensorRequest,
  type TensorChunk,
  TensorService,
} from "@gumshoe/protocol";
import { type CallOptions, type RpcChannel } from "@gumshoe/rpc";

import { TensorNotHeldError } from "./errors.js";
import { hostIdentity } from "./host-identity.js";
import { type RegionFile } from "./region.js";
import { releaseMemory } from "./release-memory.js";

/** Bytes in flight that a puller allows; give it to the channel that tensors are pulled through. */
export const TENSOR_WINDOW_BYTES = 32 * 1024 * 1024;

/** Bytes of one chunk: smaller ones are slower, by a third at 1 MiB; larger ones are not faster. */
const CHUNK_BYTES = 4 * 1024 * 1024;

const F32_BYTES = 4;
const CHUNK_ELEMENTS = CHUNK_BYTES / F32_BYTES;
const NO_DATA = Buffer.alloc(0);
const NO_FILE = { file: "", fileOffset: 0, fileElements: 0, fileGeneration: 0 };

/** A part of a vector that is held here. */
export interface HeldRange {
  /** First held element of the whole vector, and the one after the last. */
  readonly start: number;
  readonly end: number;
  /** Returns elements [start, end) of the vector; they need not outlive the next call. */
  read(start: number, end: number): Float32Array;
  /** A region with the vector, for processes of this machine; null when there is none. */
  readonly file: RegionFile | null;
}

/** Makes a range of values that lie together, and are not shared. */
export function heldVector(start: number, values: Float32Array): HeldRange {
  const read = (from: number, to: number) => values.subarray(from - start, to - start);
  return { start, end: start + values.length, read, file: null };
}

/**
 * Serves a range of a held vector, as the handler of `TensorService.PullTensor`: where to open the region for
 * a caller on this machine that asks for it, else the values. They are read while the stream runs, so they
 * must not change before it ends.
 *
 * @throws  TensorNotHeldError when the range asked for is not wholly held
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
    const values = held.read(offset, Math.min(end, offset + CHUNK_ELEMENTS));
    yield { ...NO_FILE, offset, data: floatsToBytes(values), dtype: "f32" };
  }
}

/**
 * Asks where on this machine a region with the vector can be opened.
 *
 * @returns  null when it is held elsewhere, or not shared
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
    // Leaving the loop ends the stream, if there is more.
    return chunk.file === "" ? null : { path: chunk.file, inode: chunk.fileGeneration };
  }
  return null;
}

/** Takes values of a pulled vector; they are gone after the call. */
export type TensorSink = (values: Float32Array, start: number) => void;

/**
 * Pulls a range of a vector by the stream.
 *
 * @param target  [request.end - request.start] f32, filled from its first element on; or a function that is
 *                called with the values in order, and the element of the vector that they begin at
 * @throws        MalformedMessageError when chunks are missing, doubled or of another dtype;
 *                RpcError, NOT_FOUND when the vector is not held there (any more)
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

/** Returns how many values a chunk brings; throws when they are not the next ones. */
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
