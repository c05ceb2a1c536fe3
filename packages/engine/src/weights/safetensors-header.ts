import { ModelFolderError } from "../errors.js";
import { BYTES_PER_FLOAT, type FloatFormat } from "./float-format.js";
import type { ParameterLayout } from "./parameter-layout.js";

/** Bytes before the JSON: its length as an unsigned 64-bit little-endian number. */
export const LENGTH_BYTES = 8;
/** The format's own limit; it prevents an arbitrary file from being read as a huge header. */
export const MAX_HEADER_BYTES = 100_000_000;

/** A tensor as a safetensors header describes it. */
export interface StoredTensor {
  /** As in the file; may be unsupported. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Byte range, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

/** What a safetensors header says. */
export interface SafetensorsContent {
  /** Key: tensor name. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Free texts by key. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes the header of a safetensors file whose data are the flat vector in canonical order: element i of the
 * vector is at byte `header.length + i * bytes per element`, so several writers can each write a range.
 *
 * @returns  length and JSON, padded with spaces to a multiple of 8 bytes
 */
export function safetensorsHeader(
  layout: ParameterLayout,
  dtype: FloatFormat = "F32",
  // Transformers refuses files without this field.
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Uint8Array {
  const size = BYTES_PER_FLOAT[dtype];
  const tensors = layout.entries.map(({ name, shape, start, end }) => [
    name,
    { dtype, shape, data_offsets: [start * size, end * size] },
  ]);
  const json = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(tensors) });
  const text = new TextEncoder().encode(json);
  const bytes = new Uint8Array(LENGTH_BYTES + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - LENGTH_BYTES), true);
  bytes.set(text, LENGTH_BYTES);
  return bytes;
}

/**
 * Parses the JSON of a safetensors header.
 *
 * @param dataBytes  size of the file after the header
 * @throws ModelFolderError when it is not a header, or describes more data than the file holds
 */
export function parseSafetensorsHeader(
  file: string,
  json: Uint8Array,
  dataBytes: number,
): SafetensorsContent {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch (error) {
    throw new ModelFolderError({ file }, "has a header that is not JSON", error);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new ModelFolderError({ file }, "has a header that is not a JSON object");
  }
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(parsed)) {
    if (name === "__metadata__") continue;
    const tensor = toStoredTensor({ file, tensor: name }, entry);
    if (tensor.end > dataBytes) {
      const problem = `ends at byte ${tensor.end} of the data, but the file has only ${dataBytes}`;
      throw new ModelFolderError({ file, tensor: name }, `${problem}: it is truncated`);
    }
    tensors.set(name, tensor);
  }
  checkPlaces(file, tensors, dataBytes);
  return { tensors, metadata: readMetadata(parsed) };
}

/** Reads the free texts of a header, by key; other values are left out. */
function readMetadata(header: object): Record<string, string> {
  const { __metadata__: metadata } = header as { __metadata__?: unknown };
  if (typeof metadata !== "object" || metadata === null) return {};
  const texts = Object.entries(metadata).filter(([, value]) => typeof value === "string");
  return Object.fromEntries(texts);
}

/** The format requires that the tensors fill the data without overlap or gap. */
function checkPlaces(
  file: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  dataBytes: number,
): void {
  let end = 0;
  let last = "";
  for (const [tensor, stored] of [...tensors].sort(([, a], [, b]) => a.begin - b.begin)) {
    if (stored.begin < end) {
      throw new ModelFolderError({ file, tensor }, `overlaps tensor ${last}`);
    }
    if (stored.begin > end) {
      throw new ModelFolderError({ file, tensor }, `begins ${stored.begin - end} bytes too late`);
    }
    end = stored.end;
    last = tensor;
  }
  if (end === dataBytes) return;
  throw new ModelFolderError({ file }, `has ${dataBytes - end} bytes behind its last tensor`);
}

function toStoredTensor(where: { file: string; tensor: string }, entry: unknown): StoredTensor {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string" || !isCounts(shape) || !isCounts(offsets)) {
    throw new ModelFolderError(where, "has no valid dtype, shape and data_offsets in the header");
  }
  const [begin, end] = offsets;
  if (offsets.length !== 2 || begin === undefined || end === undefined || begin > end) {
    throw new ModelFolderError(where, "has data_offsets that are not [begin, end]");
  }
  return { dtype, shape, begin, end };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && Number(n) >= 0);
}
