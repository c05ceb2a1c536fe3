import { createHash } from "node:crypto";

import { readTensor, type WeightForm } from "@gumshoe/engine";
import { type Device, type Tensor } from "@gumshoe/kernels";
import { floatsToBytes, PARAMETER_BLOCK } from "@gumshoe/protocol";
import { blockDigestsOf, weightDigest } from "@gumshoe/tensors";

/** Elements of a tensor that are hashed at a time. */
const HASHED_AT_ONCE = 1 << 20;

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

/** Computes the SHA-256 of a tensor's little-endian bytes. */
export function hashTensor(device: Device, tensor: Tensor): string {
  const hash = createHash("sha256");
  const piece = new Float32Array(Math.min(HASHED_AT_ONCE, tensor.length));
  for (let at = 0; at < tensor.length; at += HASHED_AT_ONCE) {
    const values = piece.subarray(0, Math.min(HASHED_AT_ONCE, tensor.length - at));
    device.read(tensor, values, at);
    hash.update(floatsToBytes(values));
  }
  return hash.digest("hex");
}
