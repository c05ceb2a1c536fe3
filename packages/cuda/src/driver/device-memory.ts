import { checkPart, type DeviceAddress, offsetAddress } from "./address.js";
import type { DriverCalls } from "./driver-calls.js";
import { ContextHandle, type ContextScope, type Handle } from "./handle.js";

/** How memory is given back. */
export type MemoryOwner =
  /** By cuMemFree. */
  | { readonly type: "allocated" }
  /** Behind the work of a stream, by cuMemFreeAsync; by cuMemFree once that stream is gone. */
  | { readonly type: "pooled"; readonly stream: Handle & { readonly handle: number } }
  /** By cuIpcCloseMemHandle: another process owns it. */
  | { readonly type: "opened" };

/** Memory of a device. What is allocated holds whatever was there before. */
export class DeviceMemory extends ContextHandle {
  constructor(
    context: ContextScope,
    /** Of its first byte. */
    readonly address: DeviceAddress,
    readonly bytes: number,
    private readonly owner: MemoryOwner,
  ) {
    super("device memory", context);
  }

  /** Returns the address of the byte at `offset`; @throws InvalidArgumentError outside the memory */
  at(offset: number): DeviceAddress {
    checkPart("offset", { offset, bytes: 0 }, this.bytes);
    return offsetAddress(this.address, offset);
  }

  /**
   * Copies an array of the host to the byte at `offset` on, and returns when it is there. The copy is not ordered
   * behind the work of streams.
   *
   * @throws InvalidArgumentError when it does not fit, CudaError
   */
  write(values: NodeJS.ArrayBufferView, offset = 0): void {
    const calls = this.enter();
    checkPart("values", { offset, bytes: values.byteLength }, this.bytes);
    if (values.byteLength === 0) return;
    calls.call("cuMemcpyHtoD_v2", this.at(offset), values, values.byteLength);
  }

  /** Copies from the byte at `offset` on into an array of the host; as {@link write} otherwise. */
  read(into: NodeJS.ArrayBufferView, offset = 0): void {
    const calls = this.enter();
    checkPart("into", { offset, bytes: into.byteLength }, this.bytes);
    if (into.byteLength === 0) return;
    calls.call("cuMemcpyDtoH_v2", into, this.at(offset), into.byteLength);
  }

  /** Copies all of another memory of this device to the byte at `offset` on; as {@link write} otherwise. */
  copyFrom(source: DeviceMemory, offset = 0): void {
    const calls = this.enter();
    source.mustBeAlive();
    checkPart("source", { offset, bytes: source.bytes }, this.bytes);
    calls.call("cuMemcpyDtoD_v2", this.at(offset), source.address, source.bytes);
  }

  /**
   * Returns a handle by which another process opens this memory, until this process gives it back.
   *
   * @returns 64 bytes
   * @throws CudaError for memory of a stream's pool or of another process
   */
  shareHandle(): Uint8Array {
    const calls = this.enter();
    const handle = new Uint8Array(64);
    calls.call("cuIpcGetMemHandle", handle, this.address);
    return handle;
  }

  protected override giveBack(calls: DriverCalls): void {
    const { owner } = this;
    if (owner.type === "pooled" && owner.stream.isAlive) {
      calls.call("cuMemFreeAsync", this.address, owner.stream.handle);
    } else if (owner.type === "opened") {
      calls.call("cuIpcCloseMemHandle", this.address);
    } else {
      calls.call("cuMemFree_v2", this.address);
    }
  }
}
