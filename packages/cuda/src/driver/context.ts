import { CudaError } from "../errors.js";
import { checkSize, type DeviceAddress } from "./address.js";
import { DeviceMemory } from "./device-memory.js";
import type { DriverCalls } from "./driver-calls.js";
import { CudaEvent, type EventOptions } from "./event.js";
import { type ContextHandle, type ContextScope, Handle } from "./handle.js";
import { PinnedMemory } from "./host-memory.js";
import { CudaModule } from "./module.js";
import {
  CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED,
  CUDA_ERROR_PEER_ACCESS_NOT_ENABLED,
} from "./statuses.js";
import { Stream } from "./stream.js";

const CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS = 1;

/**
 * A device's primary context: what memory, streams and kernels belong to.
 *
 * - Every method makes the context current first, so several devices may be used in any order.
 * - `dispose()` gives back all that belongs to it, in the reverse order of its making.
 */
export class CudaContext extends Handle implements ContextScope {
  private readonly owned = new Set<ContextHandle>();

  private constructor(
    readonly calls: DriverCalls,
    /** Number of its device. */
    readonly ordinal: number,
    private readonly device: number,
    /** `CUcontext`. */
    readonly handle: number,
  ) {
    super(`the context of GPU ${ordinal}`);
  }

  /** Retains the primary context of a device. */
  static retain(calls: DriverCalls, gpu: { ordinal: number; device: number }): CudaContext {
    const handle = calls.pointer("cuDevicePrimaryCtxRetain", calls.out, gpu.device);
    return new CudaContext(calls, gpu.ordinal, gpu.device, handle);
  }

  enter(): void {
    this.mustBeAlive();
    // Each time: another context may have become current through another opening of the driver.
    this.calls.call("cuCtxSetCurrent", this.handle);
  }

  /** Whether the driver agrees that this context is current in this thread. */
  get isCurrent(): boolean {
    return this.calls.pointer("cuCtxGetCurrent", this.calls.out) === this.handle;
  }

  adopt(handle: ContextHandle): void {
    this.owned.add(handle);
  }

  forget(handle: ContextHandle): void {
    this.owned.delete(handle);
  }

  /** Memory of the device, of all processes together. */
  memory(): { freeBytes: number; totalBytes: number } {
    const { calls } = this;
    this.enter();
    calls.call("cuMemGetInfo_v2", calls.out, calls.out2);
    return { freeBytes: calls.word(0), totalBytes: calls.word(1) };
  }

  /** Allocates memory of the device; @throws CudaError (RESOURCE_EXHAUSTED) when there is too little */
  allocate(bytes: number): DeviceMemory {
    checkSize(bytes);
    this.enter();
    const address = this.calls.pointer("cuMemAlloc_v2", this.calls.out, bytes) as DeviceAddress;
    return new DeviceMemory(this, address, bytes, { type: "allocated" });
  }

  /** Opens memory of another process by the handle that it gave. */
  openMemory(handle: Uint8Array, bytes: number): DeviceMemory {
    checkSize(bytes);
    this.enter();
    const flags = CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS;
    const address = this.calls.pointer(
      ...(["cuIpcOpenMemHandle_v2", this.calls.out, { bytes: handle }, flags] as const),
    );
    return new DeviceMemory(this, address as DeviceAddress, bytes, { type: "opened" });
  }

  /** Allocates memory of the host, zeroed, that copies of streams may use. */
  allocatePinned(bytes: number): PinnedMemory {
    checkSize(bytes);
    return PinnedMemory.allocate(this, bytes);
  }

  /**
   * Pins memory of the host that is there already. Its pages must not belong to other pinned memory: best are
   * whole pages, such as a mapped file.
   */
  pin(
    memory: NodeJS.ArrayBufferView | { readonly address: number; readonly bytes: number },
  ): PinnedMemory {
    return PinnedMemory.register(this, memory);
  }

  /** Makes a stream; `priority`: the lower the sooner, see `streamPriorities`. */
  createStream(options: { readonly priority?: number } = {}): Stream {
    return Stream.create(this, options.priority ?? 0);
  }

  /** The lowest and the highest priority: the first number is the larger one, or they are equal. */
  get streamPriorities(): readonly [least: number, greatest: number] {
    const { calls } = this;
    this.enter();
    return calls.integers2("cuCtxGetStreamPriorityRange", calls.out, calls.out2);
  }

  createEvent(options: EventOptions = {}): CudaEvent {
    return CudaEvent.create(this, options);
  }

  /** Opens an event of another process by the handle that it gave. */
  openEvent(handle: Uint8Array): CudaEvent {
    return CudaEvent.open(this, handle);
  }

  /** Loads a cubin, or PTX as text; @throws ModuleImageError, CudaError */
  loadModule(image: Uint8Array | string): CudaModule {
    return CudaModule.load(this, image);
  }

  /** Blocks this thread until all work of the context has ended. */
  synchronize(): void {
    this.enter();
    this.calls.call("cuCtxSynchronize");
  }

  /** Lets kernels of this context use the memory of another device; idempotent. */
  enablePeerAccess(peer: CudaContext): void {
    peer.mustBeAlive();
    this.enter();
    this.unless(CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED, () => {
      this.calls.call("cuCtxEnablePeerAccess", peer.handle, 0);
    });
  }

  /** Ends what `enablePeerAccess` began; idempotent. */
  disablePeerAccess(peer: CudaContext): void {
    peer.mustBeAlive();
    this.enter();
    this.unless(CUDA_ERROR_PEER_ACCESS_NOT_ENABLED, () => {
      this.calls.call("cuCtxDisablePeerAccess", peer.handle);
    });
  }

  private unless(status: number, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof CudaError) || error.status.number !== status) throw error;
    }
  }

  protected override release(): void {
    const { calls, device } = this;
    calls.givingBack(() => calls.call("cuDevicePrimaryCtxRelease_v2", device));
  }

  override dispose(): void {
    if (!this.isAlive) return;
    const failures: unknown[] = [];
    const attempt = (work: () => void) => {
      try {
        work();
      } catch (error) {
        failures.push(error);
      }
    };
    for (const handle of [...this.owned].reverse()) attempt(() => handle.dispose());
    attempt(() => super.dispose());
    if (failures.length > 0) throw failures[0];
  }
}
