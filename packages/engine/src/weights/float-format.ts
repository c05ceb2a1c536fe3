/** How floats are stored in a safetensors file, by the names of that format. */
export type FloatFormat = "F32" | "BF16" | "F16";

/** Bytes of one element. */
export const BYTES_PER_FLOAT: Readonly<Record<FloatFormat, number>> = { F32: 4, BF16: 2, F16: 2 };

/** Says whether a safetensors dtype is one that can be read here. */
export function isFloatFormat(dtype: string): dtype is FloatFormat {
  return Object.hasOwn(BYTES_PER_FLOAT, dtype);
}

/**
 * Turns stored little-endian floats into f32; exact for every format.
 *
 * @param bytes  a copy is made when they are not aligned to the element
 */
export function decodeFloats(bytes: Uint8Array, format: FloatFormat): Float32Array {
  const size = BYTES_PER_FLOAT[format];
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const count = aligned.byteLength / size;
  if (format === "F32") return new Float32Array(aligned.buffer, aligned.byteOffset, count);
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, count);
  const words = new Uint32Array(count);
  const widen = format === "BF16" ? widenBfloat16 : widenHalf;
  for (let i = 0; i < count; i++) words[i] = widen(halves[i] as number);
  return new Float32Array(words.buffer);
}

/** A bfloat16 is the upper half of a float32. */
function widenBfloat16(bits: number): number {
  return bits << 16;
}

/** The bits of the float32 that equals an IEEE 754 half. */
function widenHalf(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A half's denormals are normal in float32: fraction * 2^-24 with its leading one taken off.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
