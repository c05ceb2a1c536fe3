export { TensorNotHeldError } from "./errors.js";
export { Region, type RegionFile, type RegionMemory } from "./region.js";
export { RegionDirectory, type RegionDirectoryOptions } from "./region-directory.js";
export {
  findTensorFile,
  type HeldRange,
  heldVector,
  pullTensor,
  serveTensor,
  TENSOR_WINDOW_BYTES,
  type TensorSink,
} from "./transfer.js";
export { blockDigests, blockDigestsOf, weightDigest, weightDigestOf } from "./weight-digest.js";
