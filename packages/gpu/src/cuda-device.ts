import {
  type CudaContext,
  CudaError,
  type CudaEvent,
  type DeviceAddress,
  type DeviceMemory,
  type Gpu,
  offsetAddress,
} from "@gumshoe/cuda";
import {
  type CommandList,
  type Device,
  type DeviceFault,
  DisposedError,
  type Dtype,
  type HostArray,
  type MapOptions,
  mapSharedMemory,
  OutOfMemoryError,
  RecordedCommandList,
  ShapeError,
  type SharedMapping,
  type Tensor,
} from "@gumshoe/kernels";

import { DeviceLostError } from "./errors.js";
import type { KernelImages } from "./kernels/kernel-images.js";
import { KernelTable } from "./kernels/kernel-table.js";
import { ListRun, ListRunner } from "./list-runner.js";
import { BlockCache } from "./memory/block-cache.js";
import { CudaTensor, ELEMENT_BYTES, type Storage } from "./memory/cuda-tensor.js";
import { Staging } from "./memory/staging.js";

const ARRAYS = { f32: Float32Array, i32: Int32Array, u32: Uint32Array, f64: Float64Array } as const;

const WORD_BYTES = 4;
/** `CUDA_ERROR_OUT_OF_MEMORY`. */
const OUT_OF_MEMORY = 2;

/** What a CUDA device is made of. */
export interface CudaDeviceParts {
  readonly gpu: Gpu;
  /** Belongs to the device from now on. */
  readonly context: CudaContext;
  readonly images: KernelImages;
  readonly fault: DeviceFault | null;
}

/**
 * A GPU behind the interface of kernels.
 *
 * - All kernels run in one stream, in the order of the lists; uploads and downloads have a stream each, which wait
 *   for the kernels before them and which the kernels after them wait for.
 * - `run` returns when the GPU has ended the list, because that is when it knows of a bad id.
 */
export class CudaDevice implements Device {
  readonly kind = "cuda";
  readonly name: string;
  readonly fault: DeviceFault | null;
  readonly #context: CudaContext;
  readonly #ordinal: number;
  readonly #blocks: BlockCache;
  readonly #staging: Staging;
  readonly #runner: ListRunner;
  /** Recorded behind the kernels and fills so far. */
  readonly #computed: CudaEvent;
  readonly #owned = new Set<CudaTensor>();
  #numFrees = 0;
  #isDisposed = false;

  /** @throws CudaError, CompilerMissingError, ModuleImageError */
  constructor({ gpu, context, images, fault }: CudaDeviceParts) {
    this.name = `cuda:${gpu.ordinal} ${gpu.name}`;
    this.fault = fault;
    this.#ordinal = gpu.ordinal;
    this.#context = context;
    const kernels = new KernelTable(context, images);
    kernels.load();
    this.#blocks = new BlockCache(context);
    this.#staging = new Staging(context);
    this.#runner = new ListRunner(context, { kernels, blocks: this.#blocks });
    this.#computed = context.createEvent();
  }

  availableBytes(): number {
    this.#mustBeAlive();
    return this.#context.memory().freeBytes + this.#blocks.keptBytes;
  }

  alloc(dtype: Dtype, length: number): Tensor {
    this.#mustBeAlive();
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new ShapeError("alloc", "length", `is ${length}`);
    }
    const bytes = Math.max(1, length) * ELEMENT_BYTES[dtype];
    const block = this.#take(`a ${dtype} tensor`, bytes);
    const { stream } = this.#runner;
    // An upload to a tensor that was freed since may still be on its way to this block.
    this.#staging.join(stream);
    this.#guard(() => stream.fillWords(block.address, 0, bytes / WORD_BYTES));
    return this.#own(dtype, length, { address: block.address, storage: { type: "block", block } });
  }

  map(descriptor: number, length: number, { writable, residence = "device" }: MapOptions): Tensor {
    this.#mustBeAlive();
    // Pages are pinned, which those of a read-only mapping cannot be on every system.
    const mapping = mapSharedMemory(descriptor, Math.max(1, length), { writable: true });
    const bytes = Math.max(1, length) * ELEMENT_BYTES.f32;
    if (mapping === null) throw new OutOfMemoryError("shared memory", bytes);
    try {
      const place =
        residence === "host"
          ? this.#pin(mapping, writable)
          : this.#copyOf(mapping, { bytes, writable });
      return this.#own("f32", length, place);
    } catch (thrown) {
      mapping.release();
      throw thrown;
    }
  }

  commit(tensor: Tensor): void {
    const { storage, address } = this.#checked(tensor, "commit").place;
    if (storage.type !== "copy" || storage.mapping === null) return;
    const { values } = storage.mapping;
    this.#afterKernels((before) => {
      const pinned = this.#context.pin(values);
      try {
        this.#staging.downloadPinned(pinned, address, before);
      } finally {
        pinned.dispose();
      }
    });
  }

  free(tensor: Tensor): void {
    if (!(tensor instanceof CudaTensor) || !this.#owned.delete(tensor)) return;
    this.#numFrees++;
    tensor.isOwned = false;
    const { storage } = tensor.place;
    if (storage.type === "host") storage.pinned.dispose();
    else this.#blocks.give(storage.block);
    if (storage.type !== "block") storage.mapping?.release();
  }

  write(tensor: Tensor, values: HostArray, at = 0): void {
    const { place, dtype } = this.#checkedPart(tensor, "write", values, at);
    const { storage } = place;
    if (storage.type !== "block" && !isWritable(storage)) {
      throw new ShapeError("write", "tensor", "is mapped for reading only");
    }
    if (storage.type === "host") {
      storage.mapping.values.set(values, place.start + at);
      return;
    }
    const to = offsetAddress(place.address, at * ELEMENT_BYTES[dtype]);
    this.#afterKernels((before) => this.#staging.upload(to, bytesOf(values), before));
  }

  read(tensor: Tensor, into: HostArray, at = 0): void {
    const { place, dtype } = this.#checkedPart(tensor, "read", into, at);
    const { storage, start } = place;
    if (storage.type === "host") {
      into.set(storage.mapping.values.subarray(start + at, start + at + into.length));
      return;
    }
    const from = offsetAddress(place.address, at * ELEMENT_BYTES[dtype]);
    this.#afterKernels((before) => this.#staging.download(bytesOf(into), from, before));
  }

  createCommandList(): CommandList {
    this.#mustBeAlive();
    const list = new ListRun(this.#runner);
    return new RecordedCommandList(this, {
      run: (records, length, isRepeated) => {
        this.#mustBeAlive();
        this.#staging.join(this.#runner.stream);
        return this.#allocating("the scratch memory of a list", null, () =>
          list.run(records, length, isRepeated),
        );
      },
      numFrees: () => this.#numFrees,
      checkAlive: (tensors) => {
        for (const tensor of tensors) this.#checked(tensor, "run");
      },
    });
  }

  dispose(): void {
    if (this.#isDisposed) return;
    for (const tensor of [...this.#owned]) this.free(tensor);
    this.#isDisposed = true;
    this.#context.dispose();
  }

  /** Does what must come behind all kernels and uploads so far. */
  #afterKernels(work: (before: CudaEvent) => void): void {
    const { stream } = this.#runner;
    this.#guard(() => {
      this.#staging.join(stream);
      stream.record(this.#computed);
      work(this.#computed);
    });
  }

  /** Makes the file's own memory known to the GPU. */
  #pin(mapping: SharedMapping, writable: boolean): Place {
    const { byteLength } = mapping.values;
    const pinned = this.#allocating("pinned memory", byteLength, () =>
      this.#context.pin(mapping.values),
    );
    const storage = { type: "host", pinned, mapping, writable } as const;
    return { address: pinned.deviceAddress, storage };
  }

  /** Copies a file to the GPU; its mapping is kept only for what is copied back. */
  #copyOf(
    mapping: SharedMapping,
    { bytes, writable }: { bytes: number; writable: boolean },
  ): Place {
    const block = this.#take("a copy of shared memory", bytes);
    this.#afterKernels((before) => {
      const pinned = this.#context.pin(mapping.values);
      try {
        this.#staging.uploadPinned(block.address, pinned, before);
      } finally {
        pinned.dispose();
      }
    });
    if (!writable) mapping.release();
    const storage = { type: "copy", block, mapping: writable ? mapping : null } as const;
    return { address: block.address, storage };
  }

  #own(dtype: Dtype, length: number, place: Place): CudaTensor {
    const tensor = new CudaTensor(this, dtype, length, { ...place, owner: null, start: 0 });
    this.#owned.add(tensor);
    return tensor;
  }

  #take(what: string, bytes: number): DeviceMemory {
    return this.#allocating(what, bytes, () => this.#blocks.take(bytes));
  }

  /** Does work that allocates; @throws OutOfMemoryError, which says what the GPU has left; DeviceLostError */
  #allocating<T>(what: string, bytes: number | null, work: () => T): T {
    return this.#guard(() => {
      try {
        return work();
      } catch (thrown) {
        const isFull = thrown instanceof CudaError && thrown.status.number === OUT_OF_MEMORY;
        throw isFull ? new OutOfMemoryError(what, bytes, this.#memoryLeft()) : thrown;
      }
    });
  }

  #memoryLeft(): string {
    const { freeBytes, totalBytes } = this.#context.memory();
    const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(2);
    return `cuda:${this.#ordinal}, which has ${gib(freeBytes)} of ${gib(totalBytes)} GiB free`;
  }

  /** Turns errors after which the GPU is lost to this process into one that says so. */
  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      if (!(thrown instanceof CudaError) || !thrown.isContextLost) throw thrown;
      throw new DeviceLostError(`cuda:${this.#ordinal}`, thrown);
    }
  }

  #mustBeAlive(): void {
    if (this.#isDisposed) throw new DisposedError("the device");
  }

  #checked(tensor: Tensor, operation: string): CudaTensor {
    this.#mustBeAlive();
    if (!(tensor instanceof CudaTensor) || tensor.device !== this) {
      throw new ShapeError(operation, "tensor", "belongs to another device");
    }
    if (!tensor.isAlive) throw new DisposedError("a tensor");
    return tensor;
  }

  #checkedPart(tensor: Tensor, operation: string, values: HostArray, at: number): CudaTensor {
    const checked = this.#checked(tensor, operation);
    if (!(values instanceof ARRAYS[checked.dtype])) {
      throw new ShapeError(operation, "values", `must be a ${ARRAYS[checked.dtype].name}`);
    }
    if (at < 0 || at + values.length > checked.length) {
      const end = at + values.length;
      throw new ShapeError(operation, "range", `${at}..${end} is outside 0..${checked.length}`);
    }
    return checked;
  }
}

interface Place {
  readonly address: DeviceAddress;
  readonly storage: Storage;
}

function isWritable(storage: Exclude<Storage, { type: "block" }>): boolean {
  return storage.type === "host" ? storage.writable : storage.mapping !== null;
}

function bytesOf({ buffer, byteOffset, byteLength }: HostArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
