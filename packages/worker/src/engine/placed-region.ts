import { type Device, type Tensor } from "@gumshoe/kernels";
import { type RegionMemory } from "@gumshoe/tensors";

/**
 * A region on the engine's device: mapped if the system shares memory, else copied to the device, and copied back
 * by `commit`.
 */
export class PlacedRegion {
  readonly tensor: Tensor;
  readonly #device: Device;
  readonly #copied: Float32Array | null;

  /**
   * @param length  elements of the region, f32
   * @throws        OutOfMemoryError
   */
  constructor(
    device: Device,
    memory: RegionMemory,
    { length, access }: { length: number; access: "read" | "write" },
  ) {
    this.#device = device;
    if (memory.type === "descriptor") {
      this.tensor = device.map(memory.descriptor, length, { writable: access !== "read" });
      this.#copied = null;
      return;
    }
    this.tensor = device.alloc("f32", length);
    this.#copied = new Float32Array(memory.buffer);
    if (access === "read") device.write(this.tensor, this.#copied);
  }

  /** Makes writes to the tensor visible to other processes. */
  commit(): void {
    if (this.#copied !== null) this.#device.read(this.tensor, this.#copied);
  }

  /** Frees the mapping or the copy; idempotent. */
  free(): void {
    this.#device.free(this.tensor);
  }
}
