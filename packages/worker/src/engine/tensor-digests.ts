import { readTensor, type WeightForm } from "@gumshoe/engine";
import type { Device, Tensor } from "@gumshoe/kernels";
import { PARAMETER_BLOCK } from "@gumshoe/protocol";
import { blockDigestsOf, weightDigest } from "@gumshoe/tensors";

/** Computes the digest of weights stored in their form. */
export function digestOf(device: Device, form: WeightForm, memory: Tensor): string {
  const range = { start: 0, end: form.numParameters };
  return weightDigest(digestsOf(device, form, { memory, ...range }));
}

/** Computes the digests of the blocks of a range of weights stored in their form. */
export function digestsOf(
  device: Device,
  form: WeightForm,
  { memory, start, end }: { memory: Tensor; start: number; end: number },
): string[] {
  const block = new Float32Array(PARAMETER_BLOCK);
  return blockDigestsOf(end - start, (from, to) => {
    const into = block.subarray(0, to - from);
    readTensor(device, form, { memory, into, start: start + from });
    return into;
  });
}
