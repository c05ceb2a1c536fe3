/** Element types. */
export type Dtype = "f32" | "i32" | "u32" | "f64";

/** Host arrays, by element type. */
export type HostArray = Float32Array | Int32Array | Uint32Array | Float64Array;

/** Instruction sets that the CPU kernels are built for. All give the same bits. */
export type InstructionSet = "avx512" | "avx2" | "scalar";

/** A range of elements in a device's memory. */
export interface Tensor {
  readonly dtype: Dtype;
  /** Number of elements. */
  readonly length: number;
  readonly device: Device;
  /** Its address, as the kernels see it. */
  readonly address: number;
  /** False once its memory, or its owner's, was freed. */
  readonly isAlive: boolean;
  /** Returns a view of a part of this tensor; it becomes invalid with its owner. */
  slice(start: number, end: number): Tensor;
}

/**
 * Operations that are recorded and run in order, like the command buffer of a GPU.
 *
 * The functions of `ops` append to it; `run` executes all of them synchronously and keeps them, so a list can run
 * again.
 */
export interface CommandList {
  readonly device: Device;
  /** Numbers recorded so far. */
  readonly length: number;
  /** Appends one operation on these tensors; used by `ops` only, which checks the arguments. */
  append(code: number, values: readonly number[], tensors: readonly Tensor[]): void;
  /** @throws OutOfRangeIdError, OutOfMemoryError, or DisposedError when a tensor was freed */
  run(): void;
  /** Removes all operations. */
  reset(): void;
}

/**
 * Memory and kernels of one processor.
 *
 * - Allocated memory is zeroed, and belongs to the caller until `free`.
 * - A device belongs to one JavaScript thread. Its own threads never run JavaScript.
 */
export interface Device {
  readonly kind: "cpu";
  readonly threads: number;
  readonly instructionSet: InstructionSet;
  /** A kernel broken on purpose, to test that the error is detected; null on every real device. */
  readonly fault: DeviceFault | null;
  /** @throws OutOfMemoryError */
  alloc(dtype: Dtype, length: number): Tensor;
  /**
   * Maps the start of a file, such as memory that processes share, as f32. Writes by other processes are visible.
   *
   * @param access.writable  if false, `write` refuses it, and an operation that writes to it ends the process
   * @throws OutOfMemoryError when the file is shorter, or cannot be mapped
   */
  map(descriptor: number, length: number, access: { writable: boolean }): Tensor;
  /** Frees memory; idempotent. Slices become invalid with their owner. */
  free(tensor: Tensor): void;
  /** Copies host values into a tensor, from element `at` on. */
  write(tensor: Tensor, values: HostArray, at?: number): void;
  /** Copies a tensor, from element `at` on, into a host array. */
  read(tensor: Tensor, into: HostArray, at?: number): void;
  createCommandList(): CommandList;
  /** Ends the threads and frees all memory; idempotent. */
  dispose(): void;
}

/**
 * Kernels that can be broken on purpose: `decode-attention` changes one number by one unit in the last place when
 * a single new token attends to its past.
 */
export type DeviceFault = "decode-attention";
