/**
 * Common code of the kernel tests: every result is computed on each instruction set of this machine, with one
 * thread and with three, then by the CUDA kernels on the emulation, in three schedules, and must have the same
 * bits each time.
 */
import assert from "node:assert/strict";

import { type CpuDevice, createCpuDevice } from "../cpu-device.js";
import { INSTRUCTION_SETS, type InstructionSet } from "../native/records.js";
import { Rig } from "./case-rig.js";
import { createEmulatedDevice, type EmulationOptions } from "./emulated-device.js";

export { integers, normals, Rig } from "./case-rig.js";

/** Schedules of the emulation: ascending, descending, and one by a seed. */
export const SCHEDULES = [0, 1, 77];

/** Creates a device, runs the body, and disposes of the device. */
export function onDevice<T>(
  options: Parameters<typeof createCpuDevice>[0],
  body: (rig: Rig<CpuDevice>) => T,
): T {
  const device = createCpuDevice(options);
  try {
    return body(new Rig(device));
  } finally {
    device.dispose();
  }
}

/** The same with a device of emulated CUDA kernels. */
export function onEmulation<T>(options: EmulationOptions, body: (rig: Rig) => T): T {
  const device = createEmulatedDevice(options);
  try {
    return body(new Rig(device));
  } finally {
    device.dispose();
  }
}

/** Instruction sets of this machine, best first. */
export function instructionSets(): InstructionSet[] {
  const best = onDevice({ threads: 1 }, ({ device }) => device.instructionSet);
  return INSTRUCTION_SETS.slice(0, INSTRUCTION_SETS.indexOf(best) + 1).reverse();
}

/**
 * Runs the body on every instruction set, with 1 and with 3 threads, and on the emulation.
 *
 * @returns  the results, which are the same bits everywhere
 */
export function everywhere(body: (rig: Rig) => Float32Array[]): Float32Array[] {
  const first: Float32Array[] = [];
  const compare = (results: Float32Array[], where: string) => {
    if (first.length === 0) first.push(...results);
    for (const [index, result] of results.entries()) {
      expectSameBits(result, first[index] as Float32Array, `result ${index} ${where}`);
    }
  };
  for (const instructionSet of instructionSets()) {
    for (const threads of [1, 3]) {
      const results = onDevice({ threads, instructionSet }, body);
      compare(results, `on ${instructionSet} with ${threads} threads`);
    }
  }
  for (const schedule of SCHEDULES) {
    compare(onEmulation({ schedule }, body), `of CUDA kernels in schedule ${schedule}`);
  }
  return first;
}

/** Compares bit for bit and reports the first difference. */
export function expectSameBits(got: Float32Array, want: Float32Array, where = "result"): void {
  assert.equal(got.length, want.length, where);
  const a = new Uint32Array(got.buffer, got.byteOffset, got.length);
  const b = new Uint32Array(want.buffer, want.byteOffset, want.length);
  const at = a.findIndex((bits, i) => bits !== b[i]);
  if (at >= 0) assert.fail(`${where}: element ${at} is ${got[at]}, not ${want[at]}`);
}

/**
 * Compares with the oracle.
 *
 * @param magnitude  divides an element's error, e.g. the sum of the absolute terms; by default the element's own
 *                   size, or a tenth of the largest if that is more
 */
export function expectClose(
  got: Float32Array,
  want: Float64Array,
  tolerance: number,
  magnitude?: Float64Array,
): void {
  assert.equal(got.length, want.length);
  const largest = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0.01);
  for (let i = 0; i < want.length; i++) {
    const value = want[i] as number;
    const unit = magnitude?.[i] ?? Math.max(Math.abs(value), largest / 10);
    const error = Math.abs((got[i] as number) - value);
    if (!(error <= tolerance * unit + 1e-37)) {
      assert.fail(`element ${i} is ${got[i]}, the oracle says ${value}; unit ${unit}`);
    }
  }
}
