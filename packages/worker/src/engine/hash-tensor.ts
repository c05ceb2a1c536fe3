import { createHash } from "node:crypto";

import type { Device, Tensor } from "@gumshoe/kernels";
import { floatsToBytes } from "@gumshoe/protocol";

/** Elements that are hashed at a time. */
const HASHED_AT_ONCE = 1 << 20;

/** Returns the SHA-256 of a tensor's little-endian bytes, f32. */
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
