export { type ConfigDifference, configDifferences, runDifferences } from "./config-differences.js";
export { CheckpointConfig } from "./checkpoint.js";
export { CheckpointingChoice } from "./checkpointing.js";
export { CurriculumConfig } from "./curriculum.js";
export { DynamicSamplingConfig } from "./dynamic-sampling.js";
export { RunName, Seed } from "./fields.js";
export { EarlyStopConfig, GrpoConfig } from "./grpo-config.js";
export { heldOutConfig, type HeldOutKind } from "./held-out.js";
export {
  type HubModel,
  hubModelText,
  parseHubModel,
  parsePinnedModel,
  type PinnedModel,
} from "./hub-model.js";
export {
  type HubFileName,
  hubFileText,
  isHubFile,
  parseHubFile,
  parsePinnedFile,
  type PinnedFile,
} from "./hub-file.js";
export { type HubFileField, hubFiles, replaceHubFiles, replaceSourceFiles } from "./hub-sources.js";
export { type JsonSchema, runFileSchema } from "./json-schema.js";
export { LoraConfig } from "./lora.js";
export { AggregationConfig, LossSettings, OverlongConfig } from "./loss.js";
export { type SingleSource, singleSources } from "./mixed-sources.js";
export {
  type NamedPath,
  namedPaths,
  namedServers,
  replacePaths,
  resolvePaths,
} from "./named-paths.js";
export { modulesOf, readsClueAnswers } from "./own-grading.js";
export { OptimizerConfig } from "./optimizer.js";
export { checkRunConfig, parseRunConfig, parseSweep, parseTaskSource } from "./parse.js";
export { PromptConfig } from "./prompts.js";
export { ReferenceConfig } from "./reference.js";
export { RewardsConfig } from "./rewards.js";
export { RunConfig, turnsOf } from "./run-config.js";
export { runSources } from "./run-sources.js";
export { ReportResult, RewardInterval, RunResult, ValidationResult } from "./run-result.js";
export { type FieldValue } from "./set-fields.js";
export { InitConfig, NewModelConfig, SftConfig } from "./sft-config.js";
export { stalenessOf } from "./staleness.js";
export { SweepConfig, type SweepRun, sweepRuns } from "./sweep.js";
export { nearestName } from "./suggest.js";
export { type SingleSourceConfig, STYLES, TaskSourceConfig, TIERS } from "./task-source.js";
export { TurnsConfig } from "./turns.js";
export { ReportConfig, StopWhenConfig, ValidationConfig } from "./validation.js";
