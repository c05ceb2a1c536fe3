export {
  type Clock,
  ClusterError,
  ERROR_CODES,
  type ErrorCode,
  InvalidArgumentError,
  readTlsFolder,
  type Tls,
  type TlsFiles,
} from "@gumshoe/core";
export {
  type FieldValue,
  parseRunConfig,
  type RewardInterval,
  type RunConfig,
  type RunResult,
  type ValidationResult,
} from "@gumshoe/config";
export {
  type CheckpointFileInfo,
  type CoordinatorStatus,
  type Fleet,
  type ForkedFrom,
  type MachineTime,
  type GroupKind,
  type RunEventBody,
  type RunEventType,
  type WatchedEvent,
  type WeightVersion,
  type WorkerStatus,
} from "@gumshoe/protocol";
export { RequestTooLargeError, RpcError } from "@gumshoe/rpc";
export { type CheckpointInfo } from "./checkpoint-info.js";
export {
  type DownloadedCheckpoint,
  type DownloadOptions,
  type DownloadProgress,
} from "./download.js";
export {
  ConfigFileError,
  CorruptDownloadError,
  DownloadLostError,
  DownloadWriteError,
  WatchLostError,
} from "./errors.js";
export {
  DEFAULT_ADDRESS,
  type ForgottenRun,
  GumshoeClient,
  type GumshoeClientOptions,
  type SubmitOptions,
} from "./gumshoe-client.js";
export {
  type PageOptions,
  type RolloutFilter,
  type RolloutInfo,
  type RolloutPage,
} from "./rollouts.js";
export { type RunInfo, type RunStateName } from "./run-info.js";
export { type WatchOptions } from "./watch.js";
