import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { KernelsMissingError } from "../errors.js";

/** A native thread pool, as an opaque handle. */
export interface PoolHandle {
  readonly brand: "pool";
}

/** The native functions; cpu/addon.cpp. */
export interface Addon {
  /** Zeroed, 64-byte aligned memory and its address; undefined if out of memory. */
  allocate(bytes: number): [ArrayBuffer, number] | undefined;
  /** Descriptor of zeroed memory without a name, for several processes; undefined if out of memory. */
  createMemory(bytes: number): number | undefined;
  /** The first bytes of a file and their address; undefined if they cannot be mapped. */
  mapMemory(
    descriptor: number,
    bytes: number,
    writable: boolean,
  ): [ArrayBuffer, number] | undefined;
  /** Frees memory at once; views of it become empty. */
  detach(buffer: ArrayBuffer): void;
  /** undefined if the system has no thread or memory left. */
  createPool(threads: number): PoolHandle | undefined;
  destroyPool(pool: PoolHandle): void;
  /** 0, or a status and the start of the record that failed. */
  run(
    pool: PoolHandle,
    instructionSet: number,
    records: Float64Array,
    length: number,
  ): 0 | [status: number, at: number];
  /** The best instruction set that this machine supports: 0 scalar, 1 AVX2, 2 AVX-512. */
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
