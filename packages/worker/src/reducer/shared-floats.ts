const F32_BYTES = 4;

/** Copies float32 values into memory that threads share. */
export function toShared(values: Float32Array): SharedArrayBuffer {
  const memory = sharedFloats(values.length);
  new Float32Array(memory).set(values);
  return memory;
}

/** Allocates shared memory for so many float32 values, all 0. */
export function sharedFloats(length: number): SharedArrayBuffer {
  return new SharedArrayBuffer(length * F32_BYTES);
}
