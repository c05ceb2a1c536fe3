import type { Rng } from "@gumshoe/core";

import type { CommandList, Device, HostArray, Tensor } from "../device.js";

/** A device with its tensors, for one run of one operation. */
export class Rig<D extends Device = Device> {
  constructor(readonly device: D) {}

  /** Uploads values; the element type is the array's. */
  put(values: HostArray): Tensor {
    const dtype =
      values instanceof Float32Array
        ? "f32"
        : values instanceof Int32Array
          ? "i32"
          : values instanceof Uint32Array
            ? "u32"
            : "f64";
    const tensor = this.device.alloc(dtype, values.length);
    this.device.write(tensor, values);
    return tensor;
  }

  /** A result tensor that is pre-filled, so that a missing write shows. */
  out(length: number, value = 777): Tensor {
    return this.put(new Float32Array(length).fill(value));
  }

  get(tensor: Tensor): Float32Array {
    const values = new Float32Array(tensor.length);
    this.device.read(tensor, values);
    return values;
  }

  run(recordAll: (list: CommandList) => void): void {
    const list = this.device.createCommandList();
    recordAll(list);
    list.run();
  }
}

/** Normal numbers; with `outliers`, one in twenty is a thousand times as large, one in twenty tiny. */
export function normals(rng: Rng, length: number, outliers = false): Float32Array {
  return Float32Array.from({ length }, () => {
    const value = Math.sqrt(-2 * Math.log(1 - rng.uniform())) * Math.cos(6.283185 * rng.uniform());
    if (!outliers) return value;
    const dice = rng.uniform();
    return dice < 0.05 ? value * 1000 : dice < 0.1 ? value * 1e-20 : value;
  });
}

/** Whole numbers in [0, bound). */
export function integers(rng: Rng, length: number, bound: number): Int32Array {
  return Int32Array.from({ length }, () => Math.floor(rng.uniform() * bound));
}
