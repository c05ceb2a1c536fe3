export { type AdvantageKind, advantages, hasZeroVariance } from "./advantages.js";
export {
  GoldenFormatError,
  InvalidGroupError,
  MissingLogprobsError,
  NonFiniteLossError,
  PackTooSmallError,
} from "./errors.js";
export { type Finish, type Group, type Rollout } from "./group.js";
export {
  type Aggregation,
  type CrossEntropyConfig,
  DEFAULT_LOSS,
  type KlEstimator,
  type LossConfig,
  type PolicyKind,
  type TrainingLoss,
} from "./loss/config.js";
export { klPenalty } from "./loss/kl.js";
export {
  type LossMeans,
  type LossMetrics,
  meanMetrics,
  mergeMetrics,
  NO_METRICS,
} from "./loss/metrics.js";
export { packLoss, type PackLoss, type PackOutputs } from "./loss/pack-loss.js";
export { type AnswerLoss, policyLoss, type ScoredAnswer } from "./loss/policy.js";
export {
  countRowTokens,
  countTargets,
  type Pack,
  type PackAnswer,
  packRow,
  type PackRow,
  type RowSegment,
} from "./pack.js";
export { packGroups } from "./packing.js";
