import { availableParallelism } from "node:os";

import type {
  CommandList,
  Device,
  DeviceFault,
  Dtype,
  HostArray,
  MapOptions,
  Tensor,
} from "./device.js";
import { DisposedError, OutOfMemoryError, ShapeError } from "./errors.js";
import { type Addon, loadAddon, type PoolHandle } from "./native/addon.js";
import { RecordedCommandList } from "./recorded-command-list.js";
import { INSTRUCTION_SETS, type InstructionSet } from "./native/records.js";

/** Options of a CPU device. */
export interface CpuDeviceOptions {
  /** Threads, the calling one included; default: all cores. */
  threads?: number;
  /** Default: the best that this machine supports. */
  instructionSet?: InstructionSet;
  /** For tests only; see {@link DeviceFault}. */
  fault?: DeviceFault | null;
}

const ARRAYS = {
  f32: Float32Array,
  i32: Int32Array,
  u32: Uint32Array,
  f64: Float64Array,
} as const;

/**
 * Creates a device that computes on this machine's cores.
 *
 * @throws KernelsMissingError when the kernels were not built
 * @throws ShapeError when the machine lacks the instruction set, or `threads` is less than 1
 * @throws OutOfMemoryError when the system refuses the threads
 */
export function createCpuDevice(options: CpuDeviceOptions = {}): CpuDevice {
  return new CpuDevice(loadAddon(), options);
}

interface Memory {
  readonly values: HostArray;
  readonly address: number;
  readonly writable: boolean;
}

class CpuTensor implements Tensor {
  readonly values: HostArray;
  readonly address: number;
  readonly writable: boolean;
  /** Stored apart from the values, which are empty once the memory is freed. */
  readonly length: number;

  constructor(
    readonly device: CpuDevice,
    readonly dtype: Dtype,
    memory: Memory,
    readonly owner: CpuTensor | null,
  ) {
    this.values = memory.values;
    this.address = memory.address;
    this.writable = memory.writable;
    this.length = memory.values.length;
  }

  get isAlive(): boolean {
    return this.values.buffer.byteLength > 0;
  }

  slice(start: number, end: number): Tensor {
    if (start < 0 || end < start || end > this.length) {
      throw new ShapeError("slice", "range", `${start}..${end} is outside 0..${this.length}`);
    }
    const values = this.values.subarray(start, end);
    const address = this.address + start * this.values.BYTES_PER_ELEMENT;
    const memory = { values, address, writable: this.writable };
    return new CpuTensor(this.device, this.dtype, memory, this.owner ?? this);
  }
}

/** A device over a native addon; `createCpuDevice` makes one over the kernels of cpu/. */
export class CpuDevice implements Device {
  readonly kind = "cpu";
  /** Threads, the calling one included. */
  readonly threads: number;
  readonly instructionSet: InstructionSet;
  readonly fault: DeviceFault | null;
  readonly #addon: Addon;
  readonly #setNumber: number;
  readonly #owned = new Set<CpuTensor>();
  #numFrees = 0;
  #pool: PoolHandle | null;

  constructor(addon: Addon, options: CpuDeviceOptions) {
    this.threads = options.threads ?? availableParallelism();
    if (!Number.isInteger(this.threads) || this.threads < 1) {
      throw new ShapeError("createCpuDevice", "threads", `is ${this.threads}, not 1 or more`);
    }
    const best = addon.instructionSet();
    this.instructionSet = options.instructionSet ?? INSTRUCTION_SETS[best];
    this.#setNumber = INSTRUCTION_SETS.indexOf(this.instructionSet);
    if (this.#setNumber > best) {
      const problem = `${this.instructionSet} is missing here; the best is ${INSTRUCTION_SETS[best]}`;
      throw new ShapeError("createCpuDevice", "instructionSet", problem);
    }
    this.fault = options.fault ?? null;
    this.#addon = addon;
    const pool = addon.createPool(this.threads);
    if (pool === undefined) throw new OutOfMemoryError(`a pool of ${this.threads} threads`, null);
    this.#pool = pool;
  }

  get name(): string {
    return `cpu x${this.threads}`;
  }

  alloc(dtype: Dtype, length: number): Tensor {
    this.#alive();
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new ShapeError("alloc", "length", `is ${length}`);
    }
    const bytes = Math.max(1, length) * ARRAYS[dtype].BYTES_PER_ELEMENT;
    const memory = this.#addon.allocate(bytes);
    if (memory === undefined) throw new OutOfMemoryError(`a ${dtype} tensor`, bytes);
    return this.#own(dtype, memory, { length, writable: true });
  }

  availableBytes(): null {
    return null;
  }

  map(descriptor: number, length: number, { writable }: MapOptions): Tensor {
    this.#alive();
    const bytes = Math.max(1, length) * ARRAYS.f32.BYTES_PER_ELEMENT;
    const memory = this.#addon.mapMemory(descriptor, bytes, writable);
    if (memory === undefined) throw new OutOfMemoryError("shared memory", bytes);
    return this.#own("f32", memory, { length, writable });
  }

  /** Kernels work in the mapped memory itself. */
  commit(): void {
    this.#alive();
  }

  free(tensor: Tensor): void {
    if (!(tensor instanceof CpuTensor) || !this.#owned.delete(tensor)) return;
    this.#numFrees++;
    this.#addon.detach(tensor.values.buffer as ArrayBuffer);
  }

  write(tensor: Tensor, values: HostArray, at = 0): void {
    const view = this.#hostView(tensor, "write", values, at);
    if (!(tensor as CpuTensor).writable) {
      throw new ShapeError("write", "tensor", "is mapped for reading only");
    }
    view.set(values, at);
  }

  read(tensor: Tensor, into: HostArray, at = 0): void {
    into.set(this.#hostView(tensor, "read", into, at).subarray(at, at + into.length));
  }

  createCommandList(): CommandList {
    this.#alive();
    return new RecordedCommandList(this, {
      run: (records, length) => this.#addon.run(this.#alive(), this.#setNumber, records, length),
      numFrees: () => this.#numFrees,
      checkAlive: (tensors) => {
        for (const tensor of tensors) this.#checkOwned(tensor as CpuTensor);
      },
    });
  }

  dispose(): void {
    if (this.#pool === null) return;
    this.#addon.destroyPool(this.#pool);
    this.#pool = null;
    for (const tensor of [...this.#owned]) this.free(tensor);
  }

  #own(
    dtype: Dtype,
    [buffer, address]: [ArrayBuffer, number],
    { length, writable }: { length: number; writable: boolean },
  ): CpuTensor {
    const values = new ARRAYS[dtype](buffer, 0, length);
    const tensor = new CpuTensor(this, dtype, { values, address, writable }, null);
    this.#owned.add(tensor);
    return tensor;
  }

  #alive(): PoolHandle {
    if (this.#pool === null) throw new DisposedError("the device");
    return this.#pool;
  }

  #checkOwned(tensor: CpuTensor): void {
    if (!this.#owned.has(tensor.owner ?? tensor)) throw new DisposedError("a tensor");
  }

  #hostView(tensor: Tensor, operation: string, values: HostArray, at: number): HostArray {
    this.#alive();
    if (!(tensor instanceof CpuTensor) || tensor.device !== this) {
      throw new ShapeError(operation, "tensor", "belongs to another device");
    }
    this.#checkOwned(tensor);
    if (!(values instanceof ARRAYS[tensor.dtype])) {
      throw new ShapeError(operation, "values", `must be a ${ARRAYS[tensor.dtype].name}`);
    }
    if (at < 0 || at + values.length > tensor.length) {
      const end = at + values.length;
      throw new ShapeError(operation, "range", `${at}..${end} is outside 0..${tensor.length}`);
    }
    return tensor.values;
  }
}
