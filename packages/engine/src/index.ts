export {
  DamagedWeightError,
  GoldenFileError,
  ModelConfigError,
  ModelFolderError,
  NotFiniteError,
  RequestTooLargeError,
  TemplateDateError,
  TokenizerError,
  UnknownParameterError,
  UnstorableWeightError,
} from "./errors.js";
export {
  embeddingShareBytes,
  gradientBytes,
  kvBlockBytes,
  samplerBytes,
  shardBytes,
  trainableBytes,
  weightBytes,
  workspaceBytes,
  type WorkspaceSize,
} from "./memory/engine-bytes.js";
export { loadAdapter, loadWeights } from "./model/load-weights.js";
export { Model } from "./model/model.js";
export { type TokenDistribution, WHOLE_DISTRIBUTION } from "./model/token-distribution.js";
export {
  type ReadPrompt,
  Sampler,
  SAMPLER_DEFAULTS,
  type SamplerOptions,
  type SamplerStats,
} from "./sampler/sampler.js";
export {
  type Finish,
  type PromptScores,
  type SampledRollout,
  type SampledToken,
  type SampleRequest,
  type SampleResult,
  type SamplingOptions,
  type TurnEnd,
} from "./sampler/sequence.js";
export { type TokenAlternative, type TokenScore } from "./sampler/token-scorer.js";
export { STOP_STRING_LIMITS } from "./sampler/stop-strings.js";
export { type ChatOptions, type Message } from "./tokenizer/chat-template.js";
export { type DecodeText, IncrementalDecoder } from "./tokenizer/incremental-decoder.js";
export { checkKeepsReplies, type TurnCodec, turnCodec } from "./tokenizer/encode-turn.js";
export {
  openTokenizer,
  requireEndToken,
  type TokenizerFolder,
} from "./tokenizer/open-tokenizer.js";
export { Tokenizer } from "./tokenizer/tokenizer.js";
export {
  type BpeOptions,
  type TokenizerJson,
  trainByteLevelBpe,
} from "./tokenizer/train-byte-level-bpe.js";
export { type OptimizerStep, ParameterShard, type ShardState } from "./trainer/parameter-shard.js";
export { type PackScores, Scorer } from "./trainer/scorer.js";
export {
  batchLimits,
  type BatchLimits,
  type PackLossFunction,
  type PackOutcome,
  type TokenLossResult,
  Trainer,
  type TrainerOptions,
} from "./trainer/trainer.js";
export { blocksFor, type Checkpointing } from "./trainer/workspace.js";
export { type VerifyCheck } from "./verify/check.js";
export { type VerifyOptions, verifyPaths } from "./verify/verify-paths.js";
export {
  ADAPTER_TARGETS,
  type AdapterConfig,
  type AdapterTarget,
} from "./weights/adapter-config.js";
export { adapterFieldsText, type BaseName } from "./weights/adapter-fields.js";
export {
  ADAPTER_WEIGHTS,
  type AdapterFolder,
  adapterHeader,
  isAdapterFolder,
  openAdapterFolder,
  readBaseName,
  writeAdapterFolder,
} from "./weights/adapter-folder.js";
export {
  adapterLayout,
  initialAdapter,
  rankProblem,
  trainableLayout,
  withAdapter,
} from "./weights/adapter-layout.js";
export { ASSET_NAMES, readAssets } from "./weights/assets.js";
export {
  BYTES_PER_FLOAT,
  encodeFloats,
  FLOAT_NAMES,
  type FloatFormat,
  isFloatFormat,
} from "./weights/float-format.js";
export { initialParameters } from "./weights/initial-parameters.js";
export { mergedParameters } from "./weights/merge-adapter.js";
export { type ModelConfig, parseModelConfig } from "./weights/model-config.js";
export { type ModelFileNames, modelFileNames } from "./weights/model-files.js";
export { ADAPTER_CONFIG, type ModelFolder, openModelFolder } from "./weights/model-folder.js";
export {
  type ParameterEntry,
  type ParameterLayout,
  parameterLayout,
} from "./weights/parameter-layout.js";
export { safetensorsHeader } from "./weights/safetensors-header.js";
export {
  configWithFormat,
  type ModelFolderContent,
  writeModelFolder,
} from "./weights/write-model-folder.js";
export {
  plainForm,
  readWeights,
  trainableForm,
  type WeightForm,
  weightForm,
  type WeightPiece,
  writeWeights,
} from "./weights/weight-form.js";
export { readTensor } from "./weights/weight-tensor.js";
