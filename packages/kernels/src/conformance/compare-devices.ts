/** Whether two devices give the same bits: small cases of every operation, compared over all their memory. */
import type { Device, HostArray, Tensor } from "../device.js";
import { Rig } from "./case-rig.js";
import { OPERATION_CASES } from "./operation-cases.js";

/** One case on two devices. */
export interface ComparedCase {
  /** E.g. `3x70x37`. */
  readonly name: string;
  /** Elements of all tensors, inputs included. */
  readonly numElements: number;
  /** Elements whose bits differ. */
  readonly numDifferent: number;
  /** The first of them, in words; null if there is none. */
  readonly difference: string | null;
}

const ARRAYS = { f32: Float32Array, i32: Int32Array, u32: Uint32Array, f64: Float64Array } as const;

/** Keeps the tensors that a case makes. */
class TrackingRig extends Rig {
  readonly tensors: Tensor[] = [];

  override put(values: HostArray): Tensor {
    const tensor = super.put(values);
    this.tensors.push(tensor);
    return tensor;
  }
}

/**
 * Runs cases of every operation on two devices, among them ragged sizes, outliers and every variant of a kernel.
 *
 * @param reference  e.g. the CPU
 */
export function* compareDevices(reference: Device, device: Device): Generator<ComparedCase> {
  for (const { name, run } of OPERATION_CASES) {
    const [wanted, got] = [contentAfter(reference, run), contentAfter(device, run)];
    let [numElements, numDifferent] = [0, 0];
    let difference: string | null = null;
    for (const [i, want] of wanted.entries()) {
      const values = got[i] as HostArray;
      const places = differentElements(values, want);
      numElements += want.length;
      numDifferent += places.length;
      const [at] = places;
      if (at === undefined) continue;
      difference ??= `element ${at} of tensor ${i} is ${values[at]}, not ${want[at]}`;
    }
    yield { name, numElements, numDifferent, difference };
  }
}

/** Runs a case; returns what all its tensors hold then. */
function contentAfter(device: Device, run: (rig: Rig) => void): HostArray[] {
  const rig = new TrackingRig(device);
  try {
    run(rig);
    return rig.tensors.map((tensor) => {
      const values = new ARRAYS[tensor.dtype](tensor.length);
      device.read(tensor, values);
      return values;
    });
  } finally {
    for (const tensor of rig.tensors) device.free(tensor);
  }
}

function differentElements(got: HostArray, want: HostArray): number[] {
  const [a, b] = [got, want].map(
    ({ buffer, byteLength }) => new Uint32Array(buffer, 0, byteLength / 4),
  );
  const places = new Set<number>();
  const wordsOfElement = want.BYTES_PER_ELEMENT / 4;
  a?.forEach((word, i) => {
    if (word !== b?.[i]) places.add(Math.floor(i / wordsOfElement));
  });
  return [...places];
}
