/** Element types. */
export type Dtype = "f32" | "i32" | "u32" | "f64";

/** Host arrays, by element type. */
export type HostArray = Float32Array | Int32Array | Uint32Array | Float64Array;

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
  readonly kind: "cpu" | "cuda";
  /** What it is, for people: `cpu x8`, or a GPU's number and name. */
  readonly name: string;
  /** A kernel broken on purpose, to test that the error is detected; null on every real device. */
  readonly fault: DeviceFault | null;
  /** @throws OutOfMemoryError */
  alloc(dtype: Dtype, length: number): Tensor;
  /**
   * Bytes that can be allocated now, where the device has memory of its own; null where it has the machine's.
   */
  availableBytes(): number | null;
  /**
   * Makes the start of a file, such as memory that processes share, a tensor of f32.
   *
   * @throws OutOfMemoryError when the file is shorter, or cannot be mapped
   */
  map(descriptor: number, length: number, options: MapOptions): Tensor;
  /**
   * Makes what was written to a mapped tensor visible to other processes. Only a tensor of a device with memory of
   * its own and with residence `device` needs it: all of it is then copied to the file.
   */
  commit(tensor: Tensor): void;
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

/** How a file is mapped. */
export interface MapOptions {
  /** If false, `write` refuses it, and no operation may write to it: on the CPU that ends the process. */
  readonly writable: boolean;
  /**
   * Where kernels find it, on a device with memory of its own; default `device`. It makes no difference on the CPU,
   * whose kernels work in the file's memory.
   *
   * - `device`: in a copy, made now; for what is read more than once, or added to.
   * - `host`: in the file's memory, over the bus; for what is read or written once. Other processes may write other
   *   parts of it at the same time.
   */
  readonly residence?: "device" | "host";
}

/**
 * Kernels that can be broken on purpose: `decode-attention` changes one number by one unit in the last place when
 * a single new token attends to its past.
 */
export type DeviceFault = "decode-attention";
