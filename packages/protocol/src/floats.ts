import { MalformedMessageError } from "./errors.js";

const F32_BYTES = 4;

/** Returns the bytes of float32 values, little-endian, without a copy. */
export function floatsToBytes(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** Reads little-endian float32 values; copies, so the result is aligned and outlives the bytes. */
export function bytesToFloats(bytes: Uint8Array): Float32Array {
  if (bytes.byteLength % F32_BYTES !== 0) {
    throw new MalformedMessageError(`${bytes.byteLength} bytes are no whole number of float32`);
  }
  const values = new Float32Array(bytes.byteLength / F32_BYTES);
  new Uint8Array(values.buffer).set(bytes);
  return values;
}
