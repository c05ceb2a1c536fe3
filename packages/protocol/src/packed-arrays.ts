import { MalformedMessageError } from "./errors.js";

/** Size of a float32 and of an int32. */
const ELEMENT_BYTES = 4;

/** Returns the bytes of float32 values, little-endian, without a copy. */
export function floatsToBytes(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** Reads little-endian float32 values; copies, so the result is aligned and outlives the bytes. */
export function bytesToFloats(bytes: Uint8Array): Float32Array {
  if (bytes.byteLength % ELEMENT_BYTES !== 0) {
    throw new MalformedMessageError(`${bytes.byteLength} bytes are no whole number of float32`);
  }
  const values = new Float32Array(bytes.byteLength / ELEMENT_BYTES);
  new Uint8Array(values.buffer).set(bytes);
  return values;
}

/** Returns the bytes of token ids, little-endian int32; an Int32Array is not copied. */
export function tokensToBytes(tokens: ArrayLike<number>): Buffer {
  const { buffer, byteOffset, byteLength } =
    tokens instanceof Int32Array ? tokens : Int32Array.from(tokens);
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Reads little-endian int32 token ids; copies, so the result is aligned and outlives the bytes. */
export function bytesToTokens(bytes: Uint8Array): Int32Array {
  const tokens = new Int32Array(tokenCount(bytes));
  new Uint8Array(tokens.buffer).set(bytes);
  return tokens;
}

/** Returns the number of int32 tokens in the bytes. @throws MalformedMessageError */
export function tokenCount({ byteLength }: Uint8Array): number {
  if (byteLength % ELEMENT_BYTES !== 0) {
    throw new MalformedMessageError(`${byteLength} bytes are no whole number of int32`);
  }
  return byteLength / ELEMENT_BYTES;
}

/** Returns the number of an answer's sampled tokens: those with a log-prob. @throws MalformedMessageError */
export function sampledCount({ logprobs }: { readonly logprobs: Uint8Array }): number {
  return tokenCount(logprobs);
}
