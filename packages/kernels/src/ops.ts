export { adamw, adamwPacked } from "./ops/adamw.js";
export { attention, attentionBackward, kvWrite } from "./ops/attention.js";
export { embedding, embeddingBackward, embeddingPacked } from "./ops/embedding.js";
export {
  type CutTruncation,
  headBackward,
  headLogits,
  headLogprobs,
  headSample,
  keptLogitsLength,
  likeliestIds,
  type Truncation,
} from "./ops/head.js";
export {
  linear,
  linearBackwardInput,
  linearBackwardWeight,
  packedLength,
  packMatrix,
} from "./ops/linear.js";
export { rmsNorm, rmsNormBackward } from "./ops/rms-norm.js";
export { rope } from "./ops/rope.js";
export { add, fill, gatherRows, scale, scatterAddRows, sumSquaresBlocks } from "./ops/rows.js";
export { swiglu, swigluBackward } from "./ops/swiglu.js";
