export { TensorNotHeldError } from "./errors.js";
export { MemoryFiles } from "./memory-files.js";
export {
  type HeldRange,
  pullTensor,
  serveTensor,
  shareAhead,
  TENSOR_WINDOW_BYTES,
} from "./transfer.js";
export { blockDigests, weightDigest } from "./weight-digest.js";
