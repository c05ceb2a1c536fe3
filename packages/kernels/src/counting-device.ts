import type { CommandList, Device, Dtype, HostArray, Tensor } from "./device.js";
import { ShapeError } from "./errors.js";

const BYTES = { f32: 4, i32: 4, u32: 4, f64: 8 } as const satisfies Record<Dtype, number>;

/** A device without memory: it counts what is allocated on it. */
export interface CountingDevice extends Device {
  /** Bytes that are allocated now. */
  readonly allocatedBytes: number;
}

/**
 * Makes a device that counts allocations and holds nothing, so that the code that allocates tells how much it
 * would take. What is written to it is dropped; reading and running throw.
 */
export function createCountingDevice(): CountingDevice {
  return new Counter();
}

class CountedTensor implements Tensor {
  readonly address = 0;
  isAlive = true;

  constructor(
    readonly device: Device,
    readonly dtype: Dtype,
    readonly length: number,
  ) {}

  slice(start: number, end: number): Tensor {
    if (start < 0 || end < start || end > this.length) {
      throw new ShapeError("slice", "range", `${start}..${end} is outside 0..${this.length}`);
    }
    return new CountedTensor(this.device, this.dtype, end - start);
  }
}

class Counter implements CountingDevice {
  readonly kind = "cpu";
  readonly name = "counting";
  readonly fault = null;
  readonly #owned = new Set<Tensor>();
  #bytes = 0;

  get allocatedBytes(): number {
    return this.#bytes;
  }

  alloc(dtype: Dtype, length: number): Tensor {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new ShapeError("alloc", "length", `is ${length}`);
    }
    const tensor = new CountedTensor(this, dtype, length);
    this.#owned.add(tensor);
    this.#bytes += BYTES[dtype] * length;
    return tensor;
  }

  /** Mapped memory is the memory of others. */
  map(_descriptor: number, length: number): Tensor {
    return new CountedTensor(this, "f32", length);
  }

  commit(): void {
    // Nothing is kept.
  }

  availableBytes(): null {
    return null;
  }

  free(tensor: Tensor): void {
    if (!(tensor instanceof CountedTensor) || !this.#owned.delete(tensor)) return;
    tensor.isAlive = false;
    this.#bytes -= BYTES[tensor.dtype] * tensor.length;
  }

  write(_tensor: Tensor, _values: HostArray): void {
    // Nothing is kept.
  }

  read(): never {
    throw new Error("a counting device holds nothing that could be read");
  }

  createCommandList(): CommandList {
    return {
      device: this,
      length: 0,
      append: () => undefined,
      run: () => {
        throw new Error("a counting device runs nothing");
      },
      reset: () => undefined,
    };
  }

  dispose(): void {
    for (const tensor of [...this.#owned]) this.free(tensor);
  }
}
