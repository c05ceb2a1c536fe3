/**
 * The format of TensorBoard's event files: TFRecords of the protobuf message `Event`.
 *
 * - A record is the length (u64), its masked CRC-32C (u32), the bytes, and their masked CRC-32C (u32),
 *   all little-endian (tensorflow/core/lib/io/record_writer.h).
 * - `Event` has wall_time = 1 (double, seconds), step = 2 (int64), and one of file_version = 3,
 *   summary = 5, session_log = 7; `Summary.Value` has tag = 1, simple_value = 2 (float)
 *   (tensorboard/compat/proto/event.proto, summary.proto).
 */
import type { Point } from "../monitor.js";
import { crc32c } from "./crc32c.js";

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
/** Added to a rotated CRC, so that the CRC of data that holds CRCs is not weak. */
const MASK_DELTA = 0xa282ead8;
const SESSION_START = 1;

/** Encodes the records that a file begins with; readers drop points from `step` on that they have. */
export function fileHeader(atMs: number, step: number): Buffer {
  const version = field(3, BYTES, lengthPrefixed(Buffer.from("brain.Event:2")));
  const start = field(1, VARINT, varint(SESSION_START));
  const session = field(7, BYTES, lengthPrefixed(start));
  return Buffer.concat([record(event(atMs, 0, version)), record(event(atMs, step, session))]);
}

/** Encodes the record of a point: one scalar for each metric, in single precision. */
export function scalarRecord({ atMs, step, metrics }: Point): Buffer {
  const values = Object.entries(metrics).map(([tag, value]) => {
    const simple = Buffer.alloc(4);
    simple.writeFloatLE(value);
    const body = [field(1, BYTES, lengthPrefixed(Buffer.from(tag))), field(2, FIXED32, simple)];
    return field(1, BYTES, lengthPrefixed(Buffer.concat(body)));
  });
  return record(event(atMs, step, field(5, BYTES, lengthPrefixed(Buffer.concat(values)))));
}

function event(atMs: number, step: number, what: Buffer): Buffer {
  const seconds = Buffer.alloc(8);
  seconds.writeDoubleLE(atMs / 1000);
  // Protobuf leaves out a field with its default.
  const place = step === 0 ? [] : [field(2, VARINT, varint(step))];
  return Buffer.concat([field(1, FIXED64, seconds), ...place, what]);
}

function record(bytes: Buffer): Buffer {
  const framed = Buffer.alloc(bytes.length + 16);
  framed.writeBigUInt64LE(BigInt(bytes.length));
  framed.writeUInt32LE(maskedCrc(framed.subarray(0, 8)), 8);
  bytes.copy(framed, 12);
  framed.writeUInt32LE(maskedCrc(bytes), 12 + bytes.length);
  return framed;
}

function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

function field(number: number, wireType: number, body: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + wireType), body]);
}

function lengthPrefixed(bytes: Buffer): Buffer {
  return Buffer.concat([varint(bytes.length), bytes]);
}

/** Encodes a whole number, 0 or more, in base 128. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
