import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { KernelsMissingError } from "../errors.js";

/** A pool of threads, as native code knows it. */
export interface PoolHandle {
  readonly brand: "pool";
}

/** The native surface; cpu/addon.cpp. */
export interface Addon {
  /** Zeroed, 64-byte aligned memory and its address; undefined when there is none. */
  allocate(bytes: number): [ArrayBuffer, number] | undefined;
  /** Descriptor of zeroed memory without a name, for several processes; undefined when there is none. */
  createMemory(bytes: number): number | undefined;
  /** The first bytes of a file, and their address; undefined when they cannot be mapped. */
  mapMemory(
    descriptor: number,
    bytes: number,
    writable: boolean,
  ): [ArrayBuffer, number] | undefined;
  /** Gives memory back at once; views of it become empty. */
  detach(buffer: ArrayBuffer): void;
  /** undefined when the system gives no thread or no memory. */
  createPool(threads: number): PoolHandle | undefined;
  destroyPool(pool: PoolHandle): void;
  /** 0, or a status and the start of the record that failed. */
  run(
    pool: PoolHandle,
    instructionSet: number,
    records: Float64Array,
    length: number,
  ): 0 | [status: number, at: number];
  /** The best instruction set of this machine: 0 scalar, 1 AVX2, 2 AVX-512. */
  instructionSet(): 0 | 1 | 2;
}

/**
 * Loads the native kernels.
 *
 * @throws KernelsMissingError when they were not built
 */
export function loadAddon(): Addon {
  const file = fileURLToPath(new URL("../../build/kernels.node", import.meta.url));
  try {
    return createRequire(import.meta.url)(file) as Addon;
  } catch (cause) {
    throw new KernelsMissingError(file, cause);
  }
}
