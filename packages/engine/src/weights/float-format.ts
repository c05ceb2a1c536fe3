import { UnstorableWeightError } from "../errors.js";

/** Float formats of a safetensors file, by that format's names. */
export type FloatFormat = "F32" | "BF16" | "F16";

/** Bytes of one element. */
export const BYTES_PER_FLOAT: Readonly<Record<FloatFormat, number>> = { F32: 4, BF16: 2, F16: 2 };

/** Their names in `config.json` and in PyTorch. */
export const FLOAT_NAMES: Readonly<Record<FloatFormat, string>> = {
  F32: "float32",
  BF16: "bfloat16",
  F16: "float16",
};

/** Returns whether a safetensors dtype can be read. */
export function isFloatFormat(dtype: string): dtype is FloatFormat {
  return Object.hasOwn(BYTES_PER_FLOAT, dtype);
}

/**
 * Converts stored little-endian floats to f32; exact for every format.
 *
 * @param bytes  copied if not aligned to the element
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
  // A denormal half is normal in float32: fraction * 2^-24, without its leading one.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

/**
 * Converts f32 to stored little-endian floats, rounding to nearest, ties to even.
 *
 * @returns  for F32 the bytes of `values` themselves
 * @throws   UnstorableWeightError when a finite value is outside the format's range
 */
export function encodeFloats(values: Float32Array, format: FloatFormat): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (format === "F32") return bytes;
  // A view if aligned, as all Float32Arrays are.
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  const [narrow, infinite] =
    format === "BF16" ? [narrowToBfloat16, 0x7f80] : [narrowToHalf, 0x7c00];
  for (let i = 0; i < words.length; i++) {
    const half = narrow(words[i] as number);
    if ((half & 0x7fff) === infinite && Number.isFinite(values[i])) {
      throw new UnstorableWeightError(values[i] as number, FLOAT_NAMES[format]);
    }
    halves[i] = half;
  }
  return new Uint8Array(halves.buffer);
}

function narrowToBfloat16(bits: number): number {
  const isNan = (bits & 0x7fffffff) > 0x7f800000;
  if (isNan) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function narrowToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff - 112) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  if (exponent >= 0x1f) return sign | 0x7c00;
  if (exponent > 0) return sign | roundOff((exponent << 23) | fraction, 13);
  // A denormal of the format, or zero.
  return exponent < -10 ? sign : sign | roundOff(fraction | 0x800000, 14 - exponent);
}

/** Rounds away the lowest bits of an integer, ties to even; a carry propagates into the exponent. */
function roundOff(value: number, bits: number): number {
  const kept = value >>> bits;
  const rest = value & (2 ** bits - 1);
  const half = 2 ** (bits - 1);
  return rest > half || (rest === half && kept % 2 === 1) ? kept + 1 : kept;
}
