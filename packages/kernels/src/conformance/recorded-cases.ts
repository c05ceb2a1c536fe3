/**
 * Cases for programs that know no Node: small runs of every operation, with the CUDA launches they become, the
 * memory before and what the CPU's kernels make of it. cuda/check/case-file.h has the format.
 */
import { appendFileSync } from "node:fs";

import { CpuDevice } from "../cpu-device.js";
import type { Argument, ArgumentType, Launch } from "../launches/launch.js";
import { launchesOf, scratchBytesOf } from "../launches/twins.js";
import { type Addon, loadAddon } from "../native/addon.js";
import { type Operation, OPERATIONS } from "../native/records.js";
import { Rig } from "./rig.js";

/** Numbers of the types in the file. */
const TYPES: readonly ArgumentType[] = ["pointer", "i32", "u32", "i64", "f32"];
/** Addresses of memory that only the launches have; below those of any process. */
const SCRATCH = 2 ** 44;
const FAILURE = 2 ** 43;

interface Region {
  address: number;
  compared: boolean;
  before: Uint8Array;
  after: Uint8Array;
}

/** What was recorded of one operation. */
export interface RecordedOperation {
  readonly operation: Operation;
  readonly name: string;
}

/**
 * Runs the body on a CPU device and appends each operation of it to a file.
 *
 * @param name  of the cases, beside the operation's
 */
export function recordOperations(
  file: string,
  name: string,
  body: (rig: Rig) => void,
): RecordedOperation[] {
  const addon = loadAddon();
  const buffers = new Map<number, ArrayBuffer>();
  const recorded: RecordedOperation[] = [];
  const allocate: Addon["allocate"] = (bytes) => {
    const memory = addon.allocate(bytes);
    if (memory !== undefined) buffers.set(memory[1], memory[0]);
    return memory;
  };
  const run: Addon["run"] = (pool, set, records, length) => {
    for (let at = 0; at < length;) {
      const end = at + 2 + (records[at + 1] as number);
      const record = records.subarray(at, end);
      const operation = OPERATIONS[record[0] as number] as Operation;
      const values = [...record.subarray(2)];
      const memory = { scratch: SCRATCH, failure: FAILURE, operation: at };
      const launches = launchesOf(operation, values, memory);
      const regions = regionsOf(launches, buffers);
      const result = addon.run(pool, set, record, record.length);
      if (result !== 0) return result;
      for (const region of regions) {
        region.after = new Uint8Array((buffers.get(region.address) as ArrayBuffer).slice(0));
      }
      regions.push(filled(FAILURE, 4, true));
      const scratchBytes = scratchBytesOf(operation, values);
      if (scratchBytes > 0) regions.push(filled(SCRATCH, scratchBytes, false));
      recorded.push({ operation, name });
      appendFileSync(file, encodeCase(`${operation}, ${name}`, regions, launches));
      at = end;
    }
    return 0;
  };
  const device = new CpuDevice({ ...addon, allocate, run }, { threads: 1 });
  try {
    body(new Rig(device));
  } finally {
    device.dispose();
  }
  return recorded;
}

/** Memory that holds ones at first. */
function filled(address: number, bytes: number, compared: boolean): Region {
  const ones = new Uint8Array(bytes).fill(0xff);
  return { address, compared, before: ones, after: ones };
}

/** The allocations that pointers of the launches lie in, as they are now. */
function regionsOf(
  launches: readonly Launch[],
  buffers: ReadonlyMap<number, ArrayBuffer>,
): Region[] {
  const regions = new Map<number, Region>();
  for (const [type, value] of launches.flatMap((launch) => launch.arguments)) {
    if (type !== "pointer") continue;
    for (const [address, buffer] of buffers) {
      if (value < address || value >= address + buffer.byteLength) continue;
      const before = new Uint8Array(buffer.slice(0));
      regions.set(address, { address, compared: true, before, after: before });
    }
  }
  return [...regions.values()];
}

function encodeCase(name: string, regions: readonly Region[], launches: readonly Launch[]): Buffer {
  const numbers = (...values: number[]) => Buffer.from(Float64Array.from(values).buffer);
  const text = (value: string) => [numbers(Buffer.byteLength(value)), Buffer.from(value)];
  const argument = ([type, value]: Argument) => numbers(TYPES.indexOf(type), value);
  return Buffer.concat([
    ...text(name),
    numbers(regions.length),
    ...regions.flatMap(({ address, compared, before, after }) => [
      numbers(address, before.byteLength, Number(compared)),
      before,
      after,
    ]),
    numbers(launches.length),
    ...launches.flatMap(({ kernel, grid, block, sharedBytes, arguments: args }) => [
      ...text(kernel),
      numbers(...grid, block, sharedBytes, args.length),
      ...args.map(argument),
    ]),
  ]);
}
