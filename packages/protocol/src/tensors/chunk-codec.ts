/**
 * The codec of `TensorChunk`, written by hand: the same bytes on the wire as protobuf, without the
 * copies of the generated one. Decoded `data` is a view into the message received.
 */
import {
  type PullTensorRequest,
  TensorChunk,
  TensorServiceService,
} from "../gen/gumshoe/v1/tensors.js";
import { MalformedMessageError } from "../errors.js";

const TAG_OFFSET = 0x08;
const TAG_DATA = 0x12;
const TAG_DTYPE = 0x1a;
// Three tags, three varints of at most 10 bytes, a dtype of at most 16 bytes.
const MAX_HEAD_BYTES = 64;

/** Where chunks are encoded, one after the other: new memory for each costs more than the copy into it. */
let scratch = Buffer.alloc(0);

/**
 * Encodes a chunk; copies the data once.
 *
 * @returns  a view that is good until the next chunk is encoded: grpc-js copies it into its frame as soon as it
 *           gets it
 */
export function encodeTensorChunk(chunk: TensorChunk): Buffer {
  if (chunk.file !== "") return Buffer.from(TensorChunk.encode(chunk).finish());
  const maxBytes = MAX_HEAD_BYTES + chunk.data.byteLength + chunk.dtype.length;
  if (scratch.byteLength < maxBytes) scratch = Buffer.allocUnsafeSlow(maxBytes);
  const bytes = scratch;
  let at = 0;
  if (chunk.offset !== 0) {
    bytes[at++] = TAG_OFFSET;
    at = writeVarint(bytes, at, chunk.offset);
  }
  if (chunk.data.byteLength > 0) {
    bytes[at++] = TAG_DATA;
    at = writeVarint(bytes, at, chunk.data.byteLength);
    bytes.set(chunk.data, at);
    at += chunk.data.byteLength;
  }
  if (chunk.dtype !== "") {
    bytes[at++] = TAG_DTYPE;
    at = writeVarint(bytes, at, chunk.dtype.length);
    at += bytes.write(chunk.dtype, at, "latin1");
  }
  return bytes.subarray(0, at);
}

/** Decodes a chunk without a copy of its data. */
export function decodeTensorChunk(bytes: Buffer): TensorChunk {
  const chunk = TensorChunk.fromPartial({});
  const cursor = { bytes, at: 0 };
  while (cursor.at < bytes.byteLength) {
    const tag = bytes[cursor.at];
    // A field that this version does not know: the generated codec skips it.
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
    responseSerialize: encodeTensorChunk,
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
