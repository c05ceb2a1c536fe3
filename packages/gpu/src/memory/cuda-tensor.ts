import {
  type DeviceAddress,
  type DeviceMemory,
  offsetAddress,
  type PinnedMemory,
} from "@gumshoe/cuda";
import {
  type Device,
  type Dtype,
  type SharedMapping,
  ShapeError,
  type Tensor,
} from "@gumshoe/kernels";

/** Bytes of an element. */
export const ELEMENT_BYTES = { f32: 4, i32: 4, u32: 4, f64: 8 } as const satisfies Record<
  Dtype,
  number
>;

/** What a tensor lies in. */
export type Storage =
  /** A block of the GPU's memory. */
  | { readonly type: "block"; readonly block: DeviceMemory }
  /** A copy of a file: written back by `commit` if it is writable. */
  | {
      readonly type: "copy";
      readonly block: DeviceMemory;
      /** Null for what is only read. */
      readonly mapping: SharedMapping | null;
    }
  /** A file's own memory, which kernels reach over the bus. */
  | {
      readonly type: "host";
      readonly pinned: PinnedMemory;
      readonly mapping: SharedMapping;
      readonly writable: boolean;
    };

/** A tensor in the memory of a GPU, or a part of one. */
export class CudaTensor implements Tensor {
  /** False once it was freed; of the owner only. */
  isOwned = true;

  constructor(
    readonly device: Device,
    readonly dtype: Dtype,
    readonly length: number,
    readonly place: {
      readonly address: DeviceAddress;
      readonly storage: Storage;
      /** Null for a tensor that is no slice. */
      readonly owner: CudaTensor | null;
      /** Elements of the owner before it. */
      readonly start: number;
    },
  ) {}

  get address(): DeviceAddress {
    return this.place.address;
  }

  get isAlive(): boolean {
    return (this.place.owner ?? this).isOwned;
  }

  slice(start: number, end: number): Tensor {
    if (start < 0 || end < start || end > this.length) {
      throw new ShapeError("slice", "range", `${start}..${end} is outside 0..${this.length}`);
    }
    const { address, storage, owner } = this.place;
    return new CudaTensor(this.device, this.dtype, end - start, {
      address: offsetAddress(address, start * ELEMENT_BYTES[this.dtype]),
      storage,
      owner: owner ?? this,
      start: this.place.start + start,
    });
  }
}
