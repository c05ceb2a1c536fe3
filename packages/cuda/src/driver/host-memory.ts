import { hostAddress } from "../foreign/shared-library.js";
import type { DeviceAddress } from "./address.js";
import type { DriverCalls } from "./driver-calls.js";
import { ContextHandle, type ContextScope } from "./handle.js";

/** cuMemHostRegister: pinned for every context; also mapped into the device's address space. */
const CU_MEMHOSTREGISTER_PORTABLE = 1;
const CU_MEMHOSTREGISTER_DEVICEMAP = 2;
const PAGE_BYTES = 4096;

/**
 * Memory of the host that cannot be paged out, so that a device copies it while the host goes on.
 *
 * - Its memory belongs to an ArrayBuffer, or to the caller: after `dispose()` it is still there, as ordinary memory.
 * - It must not be written while a copy from it, nor read or written while a copy to it, may be under way.
 */
export class PinnedMemory extends ContextHandle {
  constructor(
    context: ContextScope,
    /** Of its first byte, in the host's memory. */
    readonly hostAddress: number,
    /** Its bytes; empty when it was pinned by address. */
    readonly view: Uint8Array,
    readonly bytes: number,
  ) {
    super("pinned memory", context);
    const flags = CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP;
    try {
      this.enter().call("cuMemHostRegister_v2", hostAddress, bytes, flags);
    } catch (error) {
      context.forget(this);
      throw error;
    }
  }

  /** Allocates memory in pages of its own and pins it. It is zeroed. */
  static allocate(context: ContextScope, bytes: number): PinnedMemory {
    const pages = Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
    const buffer = new ArrayBuffer(pages + PAGE_BYTES);
    const begin = hostAddress(new Uint8Array(buffer));
    const offset = Math.ceil(begin / PAGE_BYTES) * PAGE_BYTES - begin;
    return new PinnedMemory(context, begin + offset, new Uint8Array(buffer, offset, bytes), bytes);
  }

  /** Pins memory that is there: an array, or memory at an address that outlives this object. */
  static register(
    context: ContextScope,
    memory: NodeJS.ArrayBufferView | { readonly address: number; readonly bytes: number },
  ): PinnedMemory {
    if (!ArrayBuffer.isView(memory)) {
      return new PinnedMemory(context, memory.address, new Uint8Array(0), memory.bytes);
    }
    const { buffer, byteOffset, byteLength } = memory;
    const view = new Uint8Array(buffer, byteOffset, byteLength);
    return new PinnedMemory(context, hostAddress(view), view, byteLength);
  }

  /** Its bytes as float32. */
  get floats(): Float32Array {
    const { buffer, byteOffset } = this.view;
    return new Float32Array(buffer, byteOffset, Math.floor(this.view.byteLength / 4));
  }

  /** The address by which kernels of the context's device read and write this memory. */
  get deviceAddress(): DeviceAddress {
    const calls = this.enter();
    const address = calls.pointer("cuMemHostGetDevicePointer_v2", calls.out, this.hostAddress, 0);
    return address as DeviceAddress;
  }

  protected override giveBack(calls: DriverCalls): void {
    calls.call("cuMemHostUnregister", this.hostAddress);
  }
}
