import { createCpuDevice, ops } from "@gumshoe/kernels";
import { expect, test } from "vitest";

import { TINY_CONFIGS, tinyParameters } from "../model/tiny-model.js";
import {
  plainForm,
  readWeights,
  weightForm,
  type WeightForm,
  writeWeights,
} from "./weight-form.js";

/** The form as the kernels produce it: every matrix packed by the device. */
function packedByDevice(form: WeightForm, flat: Float32Array): Float32Array {
  const device = createCpuDevice({ threads: 1 });
  const memory = new Float32Array(form.length);
  for (const { start, end, offset, matrix } of form.pieces) {
    const w = device.alloc("f32", end - start);
    device.write(w, flat.subarray(start, end));
    const packed = matrix === null ? w : device.alloc("f32", ops.packedLength(matrix.n, matrix.k));
    if (matrix !== null) {
      const list = device.createCommandList();
      ops.packMatrix(list, { w, packed, ...matrix });
      list.run();
    }
    device.read(packed, memory.subarray(offset, offset + packed.length));
  }
  device.dispose();
  return memory;
}

test.each(Object.entries(TINY_CONFIGS))(
  "%s: a form written in parts equals the one that kernels pack",
  (_, config) => {
    const form = weightForm(config);
    const flat = tinyParameters(config, 3);
    const memory = new Float32Array(form.length);
    const cuts = [0, 1, 700, 701, Math.floor(flat.length / 2), flat.length - 5, flat.length];
    for (let i = cuts.length - 1; i > 0; i--) {
      const [start, end] = [cuts[i - 1] as number, cuts[i] as number];
      writeWeights(form, memory, flat.subarray(start, end), start);
    }
    expect(memory).toEqual(packedByDevice(form, flat));
    const back = new Float32Array(flat.length);
    readWeights(form, memory, back);
    expect(back).toEqual(flat);
    const part = new Float32Array(900);
    readWeights(form, memory, part, 333);
    expect(part).toEqual(flat.slice(333, 1233));
  },
);

test("the form of a vector without a model is the vector", () => {
  const memory = new Float32Array(5);
  writeWeights(plainForm(5), memory, Float32Array.of(1, 2), 2);
  expect([...memory]).toEqual([0, 0, 1, 2, 0]);
  expect(() => readWeights(plainForm(5), memory, new Float32Array(6))).toThrow(RangeError);
});
