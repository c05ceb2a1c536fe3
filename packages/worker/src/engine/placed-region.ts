import type { Device, MapOptions, Tensor } from "@gumshoe/kernels";
import type { RegionMemory } from "@gumshoe/tensors";

/**
 * A region on the engine's device: mapped if the system shares memory, else copied to the device, and copied back
 * by `commit`.
 */
export class PlacedRegion {
  readonly tensor: Tensor;
  readonly #device: Device;
  readonly #copied: Float32Array | null;

  /**
   * @param about.length     elements of the region, f32
   * @param about.residence  where a GPU's kernels find it; default: in a copy
   * @throws                 OutOfMemoryError
   */
  constructor(
    device: Device,
    memory: RegionMemory,
    about: {
      readonly length: number;
      readonly access: "read" | "write";
      readonly residence?: NonNullable<MapOptions["residence"]>;
    },
  ) {
    const { length, access, residence = "device" } = about;
    this.#device = device;
    if (memory.type === "descriptor") {
      this.tensor = device.map(memory.descriptor, length, {
        writable: access !== "read",
        residence,
      });
      this.#copied = null;
      return;
    }
    this.tensor = device.alloc("f32", length);
    this.#copied = new Float32Array(memory.buffer);
    if (access === "read") device.write(this.tensor, this.#copied);
  }

  /** Makes writes to the tensor visible to other processes. */
  commit(): void {
    if (this.#copied === null) this.#device.commit(this.tensor);
    else this.#device.read(this.tensor, this.#copied);
  }

  /** Frees the mapping or the copy; idempotent. */
  free(): void {
    this.#device.free(this.tensor);
  }
}
