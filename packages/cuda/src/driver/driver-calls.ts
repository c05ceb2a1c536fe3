import { CudaError } from "../errors.js";
import type { SharedLibrary } from "../foreign/shared-library.js";
import type { ArgumentsOf, NativeFunctions, StatusCall } from "../foreign/signatures.js";
import type { DriverFunctions } from "./functions.js";
import {
  CUDA_ERROR_DEINITIALIZED,
  CUDA_ERROR_NOT_READY,
  CUDA_SUCCESS,
  errorCodeOf,
  losesContext,
} from "./statuses.js";

/** Name of a driver function. */
export type DriverCall = StatusCall<DriverFunctions>;

/**
 * Calls functions of the driver and turns every status but success into an error.
 *
 * Outputs are read from one small block of memory, which the next call overwrites.
 */
export class DriverCalls {
  /** The functions as they are: they return a status. */
  readonly native: NativeFunctions<DriverFunctions>;
  private readonly outputs = new ArrayBuffer(16);
  private readonly words = new BigUint64Array(this.outputs);
  private readonly integers = new Int32Array(this.outputs);
  private readonly floats = new Float32Array(this.outputs);
  /** Where a function writes its first output, of up to 8 bytes, and a second one. */
  readonly out = new Uint8Array(this.outputs, 0, 8);
  readonly out2 = new Uint8Array(this.outputs, 8, 8);

  constructor(readonly library: SharedLibrary<DriverFunctions>) {
    this.native = library.functions;
  }

  /** @throws CudaError when the call fails */
  call<K extends DriverCall>(name: K, ...values: ArgumentsOf<DriverFunctions[K]>): void {
    const native = this.native[name] as (...all: ArgumentsOf<DriverFunctions[K]>) => number;
    this.words.fill(0n);
    this.check(name, native(...values));
  }

  /** Calls a function whose first parameter receives a pointer; returns it. */
  pointer<K extends DriverCall>(name: K, ...values: ArgumentsOf<DriverFunctions[K]>): number {
    this.call(name, ...values);
    return this.word(0);
  }

  /** Calls a function whose first parameter receives an `int`; returns it. */
  integer<K extends DriverCall>(name: K, ...values: ArgumentsOf<DriverFunctions[K]>): number {
    this.call(name, ...values);
    return this.integers[0] ?? 0;
  }

  /** Calls a function whose first two parameters receive an `int` each; returns both. */
  integers2<K extends DriverCall>(
    name: K,
    ...values: ArgumentsOf<DriverFunctions[K]>
  ): [number, number] {
    this.call(name, ...values);
    return [this.integers[0] ?? 0, this.integers[2] ?? 0];
  }

  /** Calls a function whose first parameter receives a `float`; returns it. */
  float<K extends DriverCall>(name: K, ...values: ArgumentsOf<DriverFunctions[K]>): number {
    this.call(name, ...values);
    return this.floats[0] ?? 0;
  }

  /** Returns the output of 8 bytes with this index of the last call. */
  word(index: 0 | 1): number {
    const value = Number(this.words[index]);
    if (Number.isSafeInteger(value)) return value;
    throw new RangeError(`the driver returned ${this.words[index]}, which is 2^53 or more`);
  }

  /** Calls a function that says whether work has ended; returns whether it has. */
  isReady(name: "cuStreamQuery" | "cuEventQuery", handle: number): boolean {
    const status = this.native[name](handle);
    if (status === CUDA_ERROR_NOT_READY) return false;
    this.check(name, status);
    return true;
  }

  /**
   * Calls functions that give something back. What a lost context or an ending driver held is gone already, so that
   * this is not an error.
   */
  givingBack(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof CudaError)) throw error;
      if (!error.isContextLost && error.status.number !== CUDA_ERROR_DEINITIALIZED) throw error;
    }
  }

  /** @throws CudaError when the status is not success */
  check(call: string, status: number): void {
    if (status !== CUDA_SUCCESS) throw this.errorOf(call, status);
  }

  /** Makes the error of a status. */
  errorOf(call: string, status: number): CudaError {
    const name = this.describe("cuGetErrorName", status) ?? `CUresult ${status}`;
    const text = this.describe("cuGetErrorString", status) ?? "unknown to this driver";
    return new CudaError(
      errorCodeOf(status),
      call,
      { number: status, name, text },
      losesContext(status),
    );
  }

  private describe(call: "cuGetErrorName" | "cuGetErrorString", status: number): string | null {
    const text: [string | null] = [null];
    return this.native[call](status, text) === CUDA_SUCCESS ? text[0] : null;
  }
}
