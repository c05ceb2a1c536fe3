import { closeSync, fstatSync, openSync } from "node:fs";

import { createSharedMemory, mapSharedMemory, type SharedMapping } from "@gumshoe/kernels";

/** Memory that can be passed to another thread of this process: a descriptor to map, or a SharedArrayBuffer. */
export type RegionMemory =
  | { readonly type: "descriptor"; readonly descriptor: number }
  | { readonly type: "buffer"; readonly buffer: SharedArrayBuffer };

/** Where another process can open a region. */
export interface RegionFile {
  /** A descriptor of a process, under /proc. */
  readonly path: string;
  /** Expected inode number of the file, because descriptor numbers are reused. */
  readonly inode: number;
}

const F32_BYTES = 4;

/**
 * Memory for float32 values, shared by the threads of this process and, if the system allows it, by the processes
 * of this machine.
 *
 * - It has no name and is freed with its last descriptor and mapping, so nothing is left behind however processes
 *   are killed.
 * - Pages are allocated when first touched, and start as 0.
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

  /** @param options.isShared  if false, other processes cannot open it */
  static create(elements: number, { isShared }: { isShared: boolean }): Region {
    const descriptor = isShared ? createSharedMemory(elements) : null;
    if (descriptor !== null) return new Region(elements, { type: "descriptor", descriptor });
    const buffer = new SharedArrayBuffer(elements * F32_BYTES);
    return new Region(elements, { type: "buffer", buffer });
  }

  /**
   * Opens a region that another process created.
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

  /** Where other processes can open it; null if they cannot, or if it is closed. */
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

  /** Unmaps the region in this thread, which frees address space; `values` maps it again. */
  unmap(): void {
    this.#mapping?.release();
    this.#mapping = null;
  }

  /** Closes the descriptor and this thread's mapping; idempotent. Other mappings stay valid. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.unmap();
    if (this.memory.type === "descriptor") closeSync(this.memory.descriptor);
  }
}
