/**
 * Vitest set-up of `npm run check:native`: loads the kernels of another build in the tests, and
 * records each operation once per shape, with its memory before and after.
 *
 * A case file has the format of replay.cpp, little-endian float64 numbers and bytes: operation,
 * number of arguments, number of regions, arguments; then for each region its address, its length
 * in bytes, the bytes before and the bytes after.
 */
import { appendFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { env, pid } from "node:process";
import { fileURLToPath } from "node:url";

import { OPERATIONS } from "../../packages/kernels/src/native/records.js";

/** The recorded part of the native interface. */
interface Addon {
  allocate: (bytes: number) => [ArrayBuffer, number] | undefined;
  mapMemory: (...file: [number, number, boolean]) => [ArrayBuffer, number] | undefined;
  detach: (buffer: ArrayBuffer) => void;
  run: (pool: unknown, set: number, records: Float64Array, length: number) => 0 | [number, number];
}

/** Larger cases take time without covering more than a smaller one of another shape. */
const MAX_CASE_BYTES = 2 ** 20;
/** Most cases per operation and process. */
const MAX_CASES = 150;
/** Smaller numbers are sizes or flags, never pointers. */
const LOWEST_ADDRESS = 2 ** 20;

const require = createRequire(import.meta.url);
const usual = fileURLToPath(new URL("../../packages/kernels/build/kernels.node", import.meta.url));
const { GUMSHOE_CHECK_ADDON: built = usual, GUMSHOE_CHECK_CASES: folder } = env;

/** Memory that is allocated or mapped now, by its address. */
const regions = new Map<number, ArrayBuffer>();
const seen = new Set<string>();
const numCases = new Map<number, number>();

const addon = require(built) as Addon;
const { allocate, mapMemory, detach, run } = addon;
addon.allocate = (bytes) => {
  const memory = allocate(bytes);
  if (memory !== undefined) regions.set(memory[1], memory[0]);
  return memory;
};
addon.mapMemory = (...file) => {
  const memory = mapMemory(...file);
  if (memory !== undefined) regions.set(memory[1], memory[0]);
  return memory;
};
addon.detach = (buffer) => {
  for (const [address, known] of regions) if (known === buffer) regions.delete(address);
  detach(buffer);
};
if (folder !== undefined) {
  const file = join(folder, `${pid}-${Date.now()}.cases`);
  addon.run = (pool, set, records, length) => {
    for (let at = 0; at < length;) {
      const end = at + 2 + (records[at + 1] ?? 0);
      const record = records.subarray(at, end);
      const save = captureCase(record);
      const result = run(pool, set, record, record.length);
      if (result !== 0) return [result[0], at];
      save?.(file);
      at = end;
    }
    return 0;
  };
}
// Make every later require of the usual file return this addon.
require.cache[usual] = { ...(require.cache[built] as NodeJS.Module), id: usual, filename: usual };

/**
 * Copies an operation's memory before it runs; null if a case of its shape was recorded already.
 */
function captureCase(record: Float64Array): ((file: string) => void) | null {
  const [operation = -1] = record;
  if (OPERATIONS[operation] === "fmaPeak") return null;
  const args = record.slice(2);
  const touched = new Map<number, ArrayBuffer>();
  const shape = [operation];
  for (const value of args) {
    const address = value < LOWEST_ADDRESS ? null : regionOf(value);
    if (address === null) shape.push(value);
    else touched.set(address, regions.get(address) as ArrayBuffer);
  }
  const count = numCases.get(operation) ?? 0;
  const bytes = [...touched.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  const key = shape.join();
  if (seen.has(key) || count >= MAX_CASES || bytes > MAX_CASE_BYTES) return null;
  seen.add(key);
  numCases.set(operation, count + 1);
  const before: Buffer[] = [...touched.values()].map((buffer) => Buffer.from(buffer.slice(0)));
  return (file) => {
    const numbers = (values: Iterable<number>) => Buffer.from(Float64Array.from(values).buffer);
    const parts: Buffer[] = [numbers([operation, args.length, touched.size, ...args])];
    let index = 0;
    for (const [address, buffer] of touched) {
      parts.push(numbers([address, buffer.byteLength]));
      parts.push(before[index++] as Buffer, Buffer.from(buffer.slice(0)));
    }
    appendFileSync(file, Buffer.concat(parts));
  };
}

function regionOf(value: number): number | null {
  for (const [address, buffer] of regions) {
    if (value >= address && value < address + buffer.byteLength) return address;
  }
  return null;
}
