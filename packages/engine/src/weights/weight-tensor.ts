import type { Device, Tensor } from "@gumshoe/kernels";

import { readSpan, spansOf, type WeightForm } from "./weight-form.js";

/**
 * Copies elements of the flat vector from weights on a device in their form.
 *
 * @param of.memory  [form.length] f32
 * @param of.into    f32, filled with the elements from `start` on
 */
export function readTensor(
  device: Device,
  form: WeightForm,
  { memory, into, start }: { memory: Tensor; into: Float32Array; start: number },
): void {
  let place = new Float32Array(0);
  for (const span of spansOf(form, start, start + into.length)) {
    if (place.length < span.length) place = new Float32Array(span.length);
    const panels = place.subarray(0, span.length);
    device.read(memory, panels, span.offset);
    readSpan(span, panels, into.subarray(span.start - start, span.end - start));
  }
}
