/**
 * The codec of `TensorChunk`, written by hand: the same bytes on the wire as protobuf, without the
 * copies of the generated one. Decoded `data` is a view into the message received.
 */
import { MalformedMessageError } from "./errors.js";
import {
  type PullTensorRequest,
  TensorChunk,
  TensorServiceService,
} from "./gen/gumshoe/v1/tensors.js";

const TAG_OFFSET = 0x08;
const TAG_DATA = 0x12;
const TAG_DTYPE = 0x1a;
const MAX_VARINT_BYTES = 10;

/**
 * A chunk in the form that grpc-js accepts as an encoded message: grpc-js reads its length,
 * allocates the frame, and calls `copy` once. The data are therefore copied only once, directly
 * into the frame.
 */
export class ChunkMessage {
  readonly #parts: readonly Uint8Array[];
  readonly byteLength: number;

  constructor(chunk: TensorChunk) {
    this.#parts = partsOf(chunk);
    this.byteLength = this.#parts.reduce((total, { byteLength }) => total + byteLength, 0);
  }

  /** Writes the message; returns its length, like Buffer.copy. */
  copy(target: Uint8Array, start = 0): number {
    let at = start;
    for (const part of this.#parts) {
      target.set(part, at);
      at += part.byteLength;
    }
    return this.byteLength;
  }
}

/** Returns the encoded message in parts: head, data and tail. */
function partsOf(chunk: TensorChunk): Uint8Array[] {
  if (chunk.file !== "") return [TensorChunk.encode(chunk).finish()];
  const head = Buffer.allocUnsafe(2 * (1 + MAX_VARINT_BYTES));
  let at = 0;
  if (chunk.offset !== 0) {
    head[at++] = TAG_OFFSET;
    at = writeVarint(head, at, chunk.offset);
  }
  if (chunk.data.byteLength > 0) {
    head[at++] = TAG_DATA;
    at = writeVarint(head, at, chunk.data.byteLength);
  }
  const parts = [head.subarray(0, at), chunk.data];
  if (chunk.dtype === "") return parts;
  const tail = Buffer.allocUnsafe(1 + MAX_VARINT_BYTES + chunk.dtype.length);
  tail[0] = TAG_DTYPE;
  const end = writeVarint(tail, 1, chunk.dtype.length);
  return [...parts, tail.subarray(0, end + tail.write(chunk.dtype, end, "latin1"))];
}

/** Decodes a chunk without copying its data. */
export function decodeTensorChunk(bytes: Buffer): TensorChunk {
  const chunk = TensorChunk.fromPartial({});
  const cursor = { bytes, at: 0 };
  while (cursor.at < bytes.byteLength) {
    const tag = bytes[cursor.at];
    // An unknown field is skipped, as the generated codec does.
    if (tag !== TAG_OFFSET && tag !== TAG_DATA && tag !== TAG_DTYPE)
      return TensorChunk.decode(bytes);
    cursor.at++;
    const value = readVarint(cursor);
    if (tag === TAG_OFFSET) {
      chunk.offset = value;
      continue;
    }
    const end = cursor.at + value;
    if (end > bytes.byteLength) throw new MalformedMessageError("a tensor chunk is cut off");
    const field = bytes.subarray(cursor.at, end);
    if (tag === TAG_DATA) chunk.data = field;
    else chunk.dtype = field.toString("latin1");
    cursor.at = end;
  }
  return chunk;
}

/** TensorService with the hand-written codec. */
export const TensorService = {
  pullTensor: {
    ...TensorServiceService.pullTensor,
    requestDeserialize: (bytes: Buffer): PullTensorRequest =>
      TensorServiceService.pullTensor.requestDeserialize(bytes),
    // grpc-js uses only the length and `copy` of the Buffer here.
    responseSerialize: (chunk: TensorChunk) => new ChunkMessage(chunk) as unknown as Buffer,
    responseDeserialize: decodeTensorChunk,
  },
} as const;

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at++] = rest;
  return at;
}

function readVarint(cursor: { bytes: Buffer; at: number }): number {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    const byte = cursor.bytes[cursor.at++];
    if (byte === undefined) break;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (!Number.isSafeInteger(value)) break;
      return value;
    }
    scale *= 0x80;
  }
  throw new MalformedMessageError("a tensor chunk holds a broken number");
}
