import { KernelSignatureError } from "../errors.js";
import type { DriverCalls } from "./driver-calls.js";
import type { ContextScope, Handle } from "./handle.js";
import {
  ArgumentBlock,
  type KernelArguments,
  type KernelParameter,
  parameterBytes,
} from "./kernel-arguments.js";
import type { Stream } from "./stream.js";

const CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 0;
const CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES = 1;
const CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES = 3;
const CU_FUNC_ATTRIBUTE_NUM_REGS = 4;
const CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;

/** Sizes along x, y and z; what lacks is 1. */
export type Extent = number | readonly [number, number?, number?];

/** Where and how wide a kernel is launched. */
export interface LaunchGeometry {
  readonly stream: Stream;
  /** Blocks. */
  readonly grid: Extent;
  /** Threads of a block. */
  readonly block: Extent;
  /** Dynamic shared memory of a block; above 48 KiB `allowSharedBytes` must come first. Default 0. */
  readonly sharedBytes?: number;
}

/** What the compiler made of a kernel. */
export interface KernelResources {
  readonly registers: number;
  /** Spilled registers and arrays of a thread, in memory. */
  readonly localBytes: number;
  /** Static shared memory of a block. */
  readonly sharedBytes: number;
  readonly maxThreadsPerBlock: number;
}

/** A kernel of a module. */
export class Kernel<P extends readonly KernelParameter[]> {
  readonly name: string;
  private readonly block: ArgumentBlock<P>;
  private readonly context: ContextScope;
  private readonly module: Handle;
  /** `CUfunction`. */
  readonly handle: number;

  constructor(
    place: {
      readonly context: ContextScope;
      readonly module: Handle;
      readonly handle: number;
      readonly name: string;
    },
    readonly parameters: P,
  ) {
    this.context = place.context;
    this.module = place.module;
    this.handle = place.handle;
    this.name = place.name;
    this.block = new ArgumentBlock(place.name, parameters);
  }

  /** @throws KernelSignatureError when the module's parameters have other sizes */
  checkSizes(sizes: readonly number[]): void {
    if (sizes.length !== this.parameters.length) {
      throw new KernelSignatureError(
        this.name,
        `has ${sizes.length} parameters in its module, and ${this.parameters.length} were declared`,
      );
    }
    this.parameters.forEach((parameter, i) => {
      if (sizes[i] === parameterBytes(parameter)) return;
      throw new KernelSignatureError(
        this.name,
        `parameter ${i} has ${sizes[i]} bytes in its module, and ` +
          `${parameterBytes(parameter)} were declared`,
      );
    });
  }

  /**
   * Puts a launch into a stream and returns. What goes wrong on the device is an error of a later call.
   *
   * @throws KernelSignatureError naming an argument that does not fit; CudaError
   */
  launch(geometry: LaunchGeometry, ...values: KernelArguments<P>): void {
    const { stream, grid, block, sharedBytes = 0 } = geometry;
    this.module.mustBeAlive();
    stream.mustBeAlive();
    this.block.fill(values);
    this.context.enter();
    const { calls } = this.context;
    const status = calls.native.cuLaunchKernel(
      this.handle,
      ...([along(grid, 0), along(grid, 1), along(grid, 2)] as const),
      ...([along(block, 0), along(block, 1), along(block, 2)] as const),
      ...([sharedBytes, stream.handle, this.block.table, null] as const),
    );
    if (status !== 0) throw calls.errorOf(`cuLaunchKernel(${this.name})`, status);
  }

  /** Allows launches to ask for this much dynamic shared memory. */
  allowSharedBytes(bytes: number): void {
    const attribute = CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    this.enter().call("cuFuncSetAttribute", this.handle, attribute, bytes);
  }

  /** Reads what the compiler made of it. */
  get resources(): KernelResources {
    return {
      registers: this.attribute(CU_FUNC_ATTRIBUTE_NUM_REGS),
      localBytes: this.attribute(CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES),
      sharedBytes: this.attribute(CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES),
      maxThreadsPerBlock: this.attribute(CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK),
    };
  }

  /** Returns the blocks that one multiprocessor runs at a time. */
  maxActiveBlocks(threads: number, sharedBytes = 0): number {
    const calls = this.enter();
    return calls.integer(
      "cuOccupancyMaxActiveBlocksPerMultiprocessor",
      ...([calls.out, this.handle, threads, sharedBytes] as const),
    );
  }

  private attribute(attribute: number): number {
    const calls = this.enter();
    return calls.integer("cuFuncGetAttribute", calls.out, attribute, this.handle);
  }

  private enter(): DriverCalls {
    this.module.mustBeAlive();
    this.context.enter();
    return this.context.calls;
  }
}

function along(extent: Extent, axis: 0 | 1 | 2): number {
  if (typeof extent === "number") return axis === 0 ? extent : 1;
  return extent[axis] ?? 1;
}
