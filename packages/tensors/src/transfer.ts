/**
 * Moves ranges of flat float32 vectors between processes: always pulled by the one who needs them.
 */
import { InvalidArgumentError } from "@gumshoe/core";
import {
  floatsToBytes,
  MalformedMessageError,
  type PullTensorRequest,
  type TensorChunk,
  TensorService,
} from "@gumshoe/protocol";
import { type CallOptions, type RpcChannel } from "@gumshoe/rpc";

import { TensorNotHeldError } from "./errors.js";
import {
  hostIdentity,
  MemoryFileReader,
  type MemoryFiles,
  type SharedVector,
} from "./memory-files.js";
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
  let offset = start;
  const shared = await shareIn(files, request, held);
  if (shared !== null) {
    for await (const chunk of announced(shared, request, held.start)) {
      yield chunk;
      offset += chunk.fileElements;
    }
  }
  for (; offset < end; offset += CHUNK_ELEMENTS) {
    const stop = Math.min(end, offset + CHUNK_ELEMENTS);
    const values = held.values.subarray(offset - held.start, stop - held.start);
    yield { ...NO_FILE, offset, data: floatsToBytes(values), dtype: "f32" };
  }
}

/**
 * Puts a vector into a file before anybody asks for it, if the ones before it were asked for there.
 *
 * @param of  run and name by which it will be asked for
 */
export function shareAhead(
  files: MemoryFiles,
  of: Pick<PullTensorRequest, "run" | "name">,
  held: HeldRange,
): void {
  if (files.isUsed) files.share(keyOf(of, held), held.values).catch(() => undefined);
}

/** Under another plan a process may hold more or less of the same vector, from the same place on. */
function keyOf({ run, name }: Pick<PullTensorRequest, "run" | "name">, held: HeldRange): string {
  return `${run} ${name} ${held.start} ${held.values.length}`;
}

/** Puts a held vector into a file, if the asker can read it; null to stream it. */
async function shareIn(
  files: MemoryFiles | undefined,
  request: PullTensorRequest,
  held: HeldRange,
): Promise<SharedVector | null> {
  if (files === undefined || request.hostId === "" || request.hostId !== files.hostId) return null;
  // Without room for a file the values still get there.
  return files.share(keyOf(request, held), held.values).catch(() => null);
}

/** Says which values are in the file, as they come to be; ends early when the rest finds no room. */
async function* announced(
  shared: SharedVector,
  { start, end }: PullTensorRequest,
  heldStart: number,
): AsyncGenerator<TensorChunk> {
  for (let offset = start; offset < end;) {
    const fileOffset = shared.offset + (offset - heldStart) * F32_BYTES;
    let written: number;
    try {
      written = await shared.written(offset - heldStart + 1);
    } catch {
      return;
    }
    const fileElements = Math.min(end, heldStart + written) - offset;
    const file = { file: shared.path, fileOffset, fileElements, fileGeneration: shared.generation };
    yield { offset, data: NO_DATA, dtype: "f32", ...file };
    offset += fileElements;
  }
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
  request: Omit<PullTensorRequest, "hostId">,
  target: Float32Array,
  options: CallOptions = {},
): Promise<void> {
  if (target.length !== request.end - request.start) {
    throw new InvalidArgumentError(
      "target",
      `holds ${target.length} elements, not the range asked`,
    );
  }
  if (await pullInto(channel, { ...request, hostId: hostIdentity() }, target, options)) return;
  // The file was given to another vector meanwhile, or belongs to another user: the values are streamed.
  await pullInto(channel, { ...request, hostId: "" }, target, options);
}

/** Fills the target from the stream, or from the files it names; false when such a file fails. */
async function pullInto(
  channel: RpcChannel,
  request: PullTensorRequest,
  target: Float32Array,
  options: CallOptions,
): Promise<boolean> {
  const bytes = floatsToBytes(target);
  const files = new FilesRead();
  let next = request.start;
  try {
    for await (const chunk of channel.client(TensorService).pullTensor(request, options)) {
      const elements = elementsOf(chunk, request, next);
      const at = (next - request.start) * F32_BYTES;
      if (chunk.file === "") take(chunk, bytes, at);
      else if (!(await files.read(chunk, bytes.subarray(at, at + elements * F32_BYTES))))
        return false;
      next += elements;
    }
    if (next !== request.end) {
      throw new MalformedMessageError(`${request.name}: ended at ${next}, not at ${request.end}`);
    }
    return await files.held();
  } finally {
    await files.close();
  }
}

/** Copies a chunk's data to its place; the chunk is empty afterwards. */
function take(chunk: TensorChunk, target: Buffer, at: number): void {
  target.set(chunk.data, at);
  releaseMemory(chunk.data);
}

/** Returns how many values a chunk brings; throws when they are not the next ones. */
function elementsOf(chunk: TensorChunk, request: PullTensorRequest, next: number): number {
  const elements = chunk.file === "" ? chunk.data.byteLength / F32_BYTES : chunk.fileElements;
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

/** The files that one pull has read from. */
class FilesRead {
  readonly #open = new Map<string, { reader: MemoryFileReader; generation: number }>();

  /** Fills `target`; false when the file cannot be read. */
  async read(chunk: TensorChunk, target: Uint8Array): Promise<boolean> {
    try {
      let known = this.#open.get(chunk.file);
      if (known === undefined) {
        known = {
          reader: await MemoryFileReader.open(chunk.file),
          generation: chunk.fileGeneration,
        };
        this.#open.set(chunk.file, known);
      }
      await known.reader.read(chunk.fileOffset, target);
      return true;
    } catch {
      return false;
    }
  }

  /** Says whether all that was read is of the vector that was meant. */
  async held(): Promise<boolean> {
    for (const { reader, generation } of this.#open.values()) {
      if (!(await reader.holds(generation))) return false;
    }
    return true;
  }

  async close(): Promise<void> {
    for (const { reader } of this.#open.values()) await reader.close();
  }
}
