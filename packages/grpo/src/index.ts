export { type AdvantageKind, advantages, hasZeroVariance } from "./advantages.js";
export {
  type AnswerRules,
  type DropReason,
  selectAnswers,
  type SelectedAnswers,
} from "./answers.js";
export {
  DEFAULT_EARLY_STOP,
  EarlyStop,
  type EarlyStopConfig,
  earlyStopStep,
} from "./early-stop.js";
export {
  GoldenFormatError,
  InvalidGroupError,
  MissingLogprobsError,
  NonFiniteLossError,
  PackTooSmallError,
} from "./errors.js";
export { cosine } from "./cosine.js";
export { decoupledAdvantages, type RewardWeights } from "./decoupled-advantages.js";
export { type Finish, type Group, type Rollout } from "./group.js";
export { isBelow, meanInterval, type MeanInterval } from "./interval.js";
export { assignLanes } from "./lanes.js";
export {
  type Aggregation,
  type CrossEntropyConfig,
  DEFAULT_LOSS,
  type KlEstimator,
  type LossConfig,
  type PolicyKind,
  type TrainingLoss,
} from "./loss/config.js";
export { hasImportanceWeights, importanceWeight } from "./loss/importance.js";
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
export { normaliserWeights, weighPacks } from "./normaliser.js";
export { countSampled, sampledIndices, type SegmentedTokens, segmentsProblem } from "./segments.js";
export { overlongPenalty, type OverlongRule, shapeRewards } from "./overlong.js";
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
export {
  recipeLoss,
  type RecipeBatch,
  type RecipeLoss,
  type RecipeLossConfig,
} from "./recipe/recipe-loss.js";
export { countRollouts, type RolloutCounts } from "./rollout-counts.js";
export {
  planUpdates,
  splitUpdates,
  type Update,
  type UpdatePlan,
  type UpdateRules,
} from "./updates.js";
export { type AlgorithmCheck } from "./verify/check.js";
export { GoldenJson } from "./verify/golden-json.js";
export { verifyAlgorithm } from "./verify/verify-algorithm.js";
