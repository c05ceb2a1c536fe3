import { expect, test } from "vitest";

import { TensorChunk } from "./gen/gumshoe/v1/tensors.js";
import { ChunkMessage, decodeTensorChunk } from "./chunk-codec.js";

const CHUNKS = [
  { offset: 0, data: Buffer.alloc(0), dtype: "" },
  { offset: 1, data: Buffer.from([1, 2, 3, 4]), dtype: "f32" },
  { offset: 127, data: Buffer.alloc(128, 7), dtype: "bf16" },
  { offset: 128, data: Buffer.alloc(70_000, 9), dtype: "f32" },
  { offset: 2 ** 40 + 5, data: Buffer.alloc(1), dtype: "f32" },
  { offset: Number.MAX_SAFE_INTEGER, data: Buffer.alloc(0), dtype: "f32" },
  { offset: 9, data: Buffer.alloc(0), dtype: "f32", file: "/proc/1/fd/2", fileOffset: 300 },
].map((chunk) => TensorChunk.fromPartial(chunk));

function encodeTensorChunk(chunk: TensorChunk): Buffer {
  const message = new ChunkMessage(chunk);
  const bytes = Buffer.alloc(message.byteLength);
  expect(message.copy(bytes)).toBe(bytes.byteLength);
  return bytes;
}

test("the hand-written codec encodes the same bytes as the generated one", () => {
  for (const chunk of CHUNKS) {
    const generated = Buffer.from(TensorChunk.encode(chunk).finish());
    expect(encodeTensorChunk(chunk).equals(generated), `offset ${chunk.offset}`).toBe(true);
    expect(decodeTensorChunk(generated)).toEqual(chunk);
  }
});

test("a field of a later version is skipped", () => {
  const chunk = CHUNKS[1] as TensorChunk;
  const later = Buffer.concat([encodeTensorChunk(chunk), Buffer.from([0x40, 0x05])]);
  expect(decodeTensorChunk(later)).toEqual(chunk);
});

test("a truncated chunk is rejected or shorter, never longer than its message", () => {
  const bytes = encodeTensorChunk(CHUNKS[2] as TensorChunk);
  for (let length = 3; length < 120; length++) {
    expect(() => decodeTensorChunk(bytes.subarray(0, length)), `${length}`).toThrow();
  }
});

test("decoded data is a view into the message", () => {
  const bytes = encodeTensorChunk(CHUNKS[3] as TensorChunk);
  expect(decodeTensorChunk(bytes).data.buffer).toBe(bytes.buffer);
});
