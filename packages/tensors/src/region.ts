import { closeSync, fstatSync, openSync } from "node:fs";

import { createSharedMemory, mapSharedMemory, type SharedMapping } from "@gumshoe/kernels";

/** Memory as another thread of this process takes it: a descriptor to map, or memory that threads share. */
export type RegionMemory =
  | { readonly type: "descriptor"; readonly descriptor: number }
  | { readonly type: "buffer"; readonly buffer: SharedArrayBuffer };

/** Where another process can open a region. */
export interface RegionFile {
  /** A descriptor of a process, under /proc. */
  readonly path: string;
  /** What the file's inode number is: descriptors are used again. */
  readonly inode: number;
}

const F32_BYTES = 4;

/**
 * Memory for float32 values that the threads of this process share, and, where the system allows it, the
 * processes of this machine.
 *
 * - It has no name and is freed with its last descriptor and mapping: whatever kills the processes, nothing
 *   is left behind.
 * - Its pages come as they are first touched, and are 0.
 */
export class Region {
  readonly elements: number;
  readonly memory: RegionMemory;
  #mapping: SharedMapping | null = null;
  #isClosed = false;

  private constructor(elements: number, memory: RegionMemory) {
    this.elements = elements;
    this.memory = memory;
  }

  /** @param options.isShared  false: other processes cannot open it */
  static create(elements: number, { isShared }: { isShared: boolean }): Region {
    const descriptor = isShared ? createSharedMemory(elements) : null;
    if (descriptor !== null) return new Region(elements, { type: "descriptor", descriptor });
    const buffer = new SharedArrayBuffer(elements * F32_BYTES);
    return new Region(elements, { type: "buffer", buffer });
  }

  /**
   * Opens a region that another process made.
   *
   * @returns  null when it is gone, belongs to another user, or is another file
   */
  static open(path: string, elements: number, inode: number | null = null): Region | null {
    let descriptor: number;
    try {
      descriptor = openSync(path, "r+");
    } catch {
      return null;
    }
    const { size, ino } = fstatSync(descriptor);
    if (size === Math.max(1, elements) * F32_BYTES && (inode === null || inode === ino)) {
      return new Region(elements, { type: "descriptor", descriptor });
    }
    closeSync(descriptor);
    return null;
  }

  /** Where other processes can open it; null when they cannot, or it is closed. */
  get file(): RegionFile | null {
    if (this.#isClosed || this.memory.type !== "descriptor") return null;
    const { descriptor } = this.memory;
    return { path: `/proc/${process.pid}/fd/${descriptor}`, inode: fstatSync(descriptor).ino };
  }

  /** The values as this thread sees them [elements] f32; empty once the region is closed. */
  get values(): Float32Array {
    if (this.memory.type === "buffer") return new Float32Array(this.memory.buffer);
    if (this.#isClosed) return new Float32Array(0);
    this.#mapping ??= mapSharedMemory(this.memory.descriptor, this.elements, { writable: true });
    if (this.#mapping === null) throw new Error("a region cannot be mapped");
    return this.#mapping.values;
  }

  /** Ends this thread's mapping, which costs no memory but address space; `values` maps again. */
  unmap(): void {
    this.#mapping?.release();
    this.#mapping = null;
  }

  /** Closes the descriptor and this thread's mapping; idempotent. Mappings of others stay. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.unmap();
    if (this.memory.type === "descriptor") closeSync(this.memory.descriptor);
  }
}
