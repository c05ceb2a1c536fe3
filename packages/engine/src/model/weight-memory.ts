import type { Device, Tensor } from "@gumshoe/kernels";

import { spansOf, type WeightForm, writeSpan } from "../weights/weight-form.js";
import { readTensor } from "../weights/weight-tensor.js";

/** The memory of weights in their form: its own, which `write` fills, or memory of the caller. */
export class WeightMemory {
  readonly form: WeightForm;
  readonly #device: Device;
  #memory: Tensor | null = null;
  #isOwn = false;

  constructor(device: Device, form: WeightForm) {
    this.#device = device;
    this.form = form;
  }

  /** [form.length] f32; null while there are no weights. */
  get memory(): Tensor | null {
    return this.#memory;
  }

  /** @param memory  [form.length] f32, valid until other memory is used or this one is freed; only read */
  use(memory: Tensor): void {
    this.free();
    this.#memory = memory;
  }

  /**
   * Writes a range of the flat vector into memory of its own, which starts as zeros.
   *
   * @throws OutOfMemoryError
   */
  write(values: Float32Array, start: number): void {
    const memory = this.#own();
    for (const span of spansOf(this.form, start, start + values.length)) {
      const place = new Float32Array(span.length);
      // A panel that is written in part keeps its other elements.
      if (span.length !== span.end - span.start) this.#device.read(memory, place, span.offset);
      writeSpan(span, place, values.subarray(span.start - start, span.end - start));
      this.#device.write(memory, place, span.offset);
    }
  }

  /** Reads a range of the flat vector into `values`. */
  read(values: Float32Array, start: number): void {
    if (this.#memory === null) throw new Error("the model has no weights");
    readTensor(this.#device, this.form, { memory: this.#memory, into: values, start });
  }

  free(): void {
    if (this.#isOwn && this.#memory !== null) this.#device.free(this.#memory);
    this.#memory = null;
    this.#isOwn = false;
  }

  #own(): Tensor {
    if (this.#memory === null || !this.#isOwn) {
      this.#memory = this.#device.alloc("f32", this.form.length);
      this.#isOwn = true;
    }
    return this.#memory;
  }
}
