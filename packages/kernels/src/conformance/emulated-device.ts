/** A device whose operations run as CUDA kernels on the emulation, in the memory of the CPU device. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { CpuDevice } from "../cpu-device.js";
import type { Device } from "../device.js";
import type { Argument, Launch } from "../launches/launch.js";
import { launchesOf, scratchBytesOf } from "../launches/twins.js";
import { type Addon, loadAddon } from "../native/addon.js";
import { OPERATIONS, STATUS } from "../native/records.js";

/** Modules of kernels, and their launches; cuda/emulation/addon.cpp. */
interface Emulation {
  load(path: string): EmulatedModule;
  launch(
    module: EmulatedModule,
    kernel: string,
    geometry: Float64Array,
    args: BigUint64Array,
  ): string | undefined;
}

/** Kernels that were compiled for the emulation. */
export interface EmulatedModule {
  readonly brand: "module";
}

/** How emulated kernels run. */
export interface EmulationOptions {
  /** Order of warps and lanes: 0 ascending, 1 descending, else a seed. */
  readonly schedule: number;
  /** Default: the kernels of cuda/. */
  readonly module?: EmulatedModule;
  /** Threads of this machine; default 1. */
  readonly threads?: number;
}

const NO_FAILURE = 0xffffffff;

/** Path in the package's folder. */
const inPackage = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

let emulation: { addon: Emulation; kernels: EmulatedModule } | null = null;

/** Loads the emulated kernels, which build-emulation.mjs builds. */
function loadEmulation(): { addon: Emulation; kernels: EmulatedModule } {
  if (emulation !== null) return emulation;
  const folder = "build/cuda/emulation";
  const addon = createRequire(import.meta.url)(inPackage(`${folder}/emulation.node`)) as Emulation;
  emulation = { addon, kernels: addon.load(inPackage(`${folder}/kernels.so`)) };
  return emulation;
}

/** Loads another module, such as one with a planted fault. */
export function loadEmulatedModule(path: string): EmulatedModule {
  return loadEmulation().addon.load(path);
}

/** Makes a device whose operations are emulated CUDA kernels. */
export function createEmulatedDevice(options: EmulationOptions): Device {
  const { addon, kernels } = loadEmulation();
  const cpu = loadAddon();
  const launchOne = (launch: Launch): void => {
    const { kernel, grid, block, sharedBytes } = launch;
    const machine = [options.threads ?? 1, options.schedule];
    const geometry = Float64Array.from([...grid, block, sharedBytes, ...machine]);
    const args = packArguments(launch.arguments);
    const failure = addon.launch(options.module ?? kernels, kernel, geometry, args);
    if (failure !== undefined) throw new Error(`${kernel}: ${failure}`);
  };
  const run: Addon["run"] = (_pool, _set, records, length) => {
    for (let at = 0; at < length;) {
      const end = at + 2 + (records[at + 1] as number);
      const operation = OPERATIONS[records[at] as number];
      if (operation === undefined) return [STATUS.badRecord, at];
      const values = [...records.subarray(at + 2, end)];
      const scratch = cpu.allocate(scratchBytesOf(operation, values));
      const failure = cpu.allocate(4);
      if (scratch === undefined || failure === undefined) return [STATUS.outOfMemory, at];
      const word = new Uint32Array(failure[0]);
      word[0] = NO_FAILURE;
      const memory = { scratch: scratch[1], failure: failure[1], operation: at };
      new Uint8Array(scratch[0]).fill(0xff);
      for (const launch of launchesOf(operation, values, memory)) launchOne(launch);
      if (word[0] !== NO_FAILURE) return [STATUS.badId, word[0]];
      at = end;
    }
    return 0;
  };
  return new CpuDevice({ ...cpu, run }, { threads: 1 });
}

/** Each argument in the low bytes of a 64-bit word. */
function packArguments(args: readonly Argument[]): BigUint64Array {
  const words = new BigUint64Array(args.length);
  const view = new DataView(words.buffer);
  for (const [i, [kind, value]] of args.entries()) {
    switch (kind) {
      case "f32":
        view.setFloat32(8 * i, value, true);
        break;
      case "i32":
        view.setInt32(8 * i, value, true);
        break;
      case "u32":
        view.setUint32(8 * i, value, true);
        break;
      case "i64":
        view.setBigInt64(8 * i, BigInt(value), true);
        break;
      case "pointer":
        view.setBigUint64(8 * i, BigInt(value), true);
        break;
      default:
        kind satisfies never;
    }
  }
  return words;
}
