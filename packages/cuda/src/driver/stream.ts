import { setImmediate as nextTurn } from "node:timers/promises";

import { checkPart, checkSize, type DeviceAddress } from "./address.js";
import { DeviceMemory } from "./device-memory.js";
import type { CudaEvent } from "./event.js";
import { Graph } from "./graph.js";
import type { DriverCalls } from "./driver-calls.js";
import { ContextHandle, type ContextScope } from "./handle.js";
import type { PinnedMemory } from "./host-memory.js";
import { CUDA_SUCCESS } from "./statuses.js";

/** Does not wait for the legacy default stream. */
const CU_STREAM_NON_BLOCKING = 1;
/** Calls of other threads that cannot be captured are no error. */
const CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1;

/** A part of pinned memory. */
export interface HostPart {
  readonly memory: PinnedMemory;
  /** First byte; default 0. */
  readonly offset?: number;
  /** Default: the rest. */
  readonly bytes?: number;
}

/** A queue of a device's work: in order within it, in any order beside other streams. */
export class Stream extends ContextHandle {
  constructor(
    context: ContextScope,
    /** `CUstream`. */
    readonly handle: number,
  ) {
    super("stream", context);
  }

  /** @param priority  the lower the sooner, within the device's range; default 0 */
  static create(context: ContextScope, priority: number): Stream {
    context.enter();
    const { calls } = context;
    return new Stream(
      context,
      calls.pointer("cuStreamCreateWithPriority", calls.out, CU_STREAM_NON_BLOCKING, priority),
    );
  }

  /** Copies pinned memory to a device address. */
  upload(to: DeviceAddress, from: HostPart): void {
    const { address, bytes } = partOf("from", from);
    this.enter().call("cuMemcpyHtoDAsync_v2", to, address, bytes, this.handle);
  }

  /** Copies from a device address to pinned memory. */
  download(to: HostPart, from: DeviceAddress): void {
    const { address, bytes } = partOf("to", to);
    this.enter().call("cuMemcpyDtoHAsync_v2", address, from, bytes, this.handle);
  }

  /** Copies within the memory of this device. */
  copy(to: DeviceAddress, from: DeviceAddress, bytes: number): void {
    this.enter().call("cuMemcpyDtoDAsync_v2", to, from, bytes, this.handle);
  }

  /** Copies between devices; directly where peer access is enabled, through the host elsewhere. */
  copyPeer(
    to: { readonly address: DeviceAddress; readonly context: ContextScope },
    from: { readonly address: DeviceAddress; readonly context: ContextScope },
    bytes: number,
  ): void {
    this.enter().call(
      "cuMemcpyPeerAsync",
      ...([to.address, to.context.handle, from.address, from.context.handle] as const),
      ...([bytes, this.handle] as const),
    );
  }

  /** Sets bytes to a value of 0 to 255. */
  fillBytes(to: DeviceAddress, value: number, count: number): void {
    this.enter().call("cuMemsetD8Async", to, value, count, this.handle);
  }

  /** Sets words of 4 bytes to a value of 0 to 2^32 - 1. */
  fillWords(to: DeviceAddress, value: number, count: number): void {
    this.enter().call("cuMemsetD32Async", to, value, count, this.handle);
  }

  /**
   * Allocates from the device's pool, in the order of this stream: other streams use the memory behind an event.
   * It is given back behind the work that the stream has when it is disposed.
   */
  allocate(bytes: number): DeviceMemory {
    checkSize(bytes);
    const calls = this.enter();
    const address = calls.pointer("cuMemAllocAsync", calls.out, bytes, this.handle);
    const owner = { type: "pooled", stream: this } as const;
    return new DeviceMemory(this.context, address as DeviceAddress, bytes, owner);
  }

  /** Makes an event reached when the work up to here has ended. */
  record(event: CudaEvent): void {
    event.mustBeAlive();
    this.enter().call("cuEventRecord", event.handle, this.handle);
  }

  /** Holds later work of this stream back until an event is reached. */
  waitFor(event: CudaEvent): void {
    event.mustBeAlive();
    this.enter().call("cuStreamWaitEvent", this.handle, event.handle, 0);
  }

  /** Whether all of its work has ended. */
  get isIdle(): boolean {
    return this.enter().isReady("cuStreamQuery", this.handle);
  }

  /** Blocks this thread until all of its work has ended; @throws CudaError of a kernel that failed */
  synchronize(): void {
    this.enter().call("cuStreamSynchronize", this.handle);
  }

  /** Resolves when all of its work has ended, and lets the event loop run meanwhile. */
  async whenIdle(): Promise<void> {
    while (!this.isIdle) await nextTurn();
  }

  /** Whether its work is being captured. */
  get isCapturing(): boolean {
    const calls = this.enter();
    calls.call("cuStreamIsCapturing", this.handle, calls.out);
    return calls.word(0) !== 0;
  }

  /**
   * Records the work that `record` puts into this stream, and into streams that wait for its events and that it
   * waits for again, instead of doing it.
   *
   * @throws CudaError when the work cannot be captured, and whatever `record` throws
   */
  capture(record: () => void): Graph {
    const calls = this.enter();
    calls.call("cuStreamBeginCapture_v2", this.handle, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
    try {
      record();
    } catch (error) {
      this.abandonCapture();
      throw error;
    }
    this.enter().call("cuStreamEndCapture", this.handle, calls.out);
    return Graph.instantiate(this.context, calls.word(0));
  }

  private abandonCapture(): void {
    const { calls } = this.context;
    const status = calls.native.cuStreamEndCapture(this.handle, calls.out);
    const graph = status === CUDA_SUCCESS ? calls.word(0) : 0;
    if (graph !== 0) calls.givingBack(() => calls.call("cuGraphDestroy", graph));
  }

  /** Launches a graph. */
  launch(graph: Graph): void {
    graph.mustBeAlive();
    this.enter().call("cuGraphLaunch", graph.handle, this.handle);
  }

  /** Brings a graph to the device, so that its first launch does not wait for that. */
  prepare(graph: Graph): void {
    graph.mustBeAlive();
    this.enter().call("cuGraphUpload", graph.handle, this.handle);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.isAlive) await this.whenIdle();
    } finally {
      this.dispose();
    }
  }

  protected override giveBack(calls: DriverCalls): void {
    calls.call("cuStreamDestroy_v2", this.handle);
  }
}

function partOf(field: string, part: HostPart): { address: number; bytes: number } {
  const { memory, offset = 0 } = part;
  memory.mustBeAlive();
  const bytes = part.bytes ?? memory.bytes - offset;
  checkPart(field, { offset, bytes }, memory.bytes);
  return { address: memory.hostAddress + offset, bytes };
}
