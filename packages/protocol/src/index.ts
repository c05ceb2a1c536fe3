export { runAssetsDigest } from "./assets-digest.js";
export { CheckpointConfig } from "./config/checkpoint.js";
export { RunName, Seed } from "./config/fields.js";
export { EarlyStopConfig, GrpoConfig } from "./config/grpo-config.js";
export { AggregationConfig, LossSettings } from "./config/loss.js";
export { type NamedPath, namedPaths, replacePaths, resolvePaths } from "./config/named-paths.js";
export { OptimizerConfig } from "./config/optimizer.js";
export { checkRunConfig, parseRunConfig } from "./config/parse.js";
export { PromptConfig } from "./config/prompts.js";
export { RunConfig } from "./config/run-config.js";
export { RewardInterval, RunResult, ValidationResult } from "./config/run-result.js";
export { InitConfig, NewModelConfig, SftConfig } from "./config/sft-config.js";
export { nearestName } from "./config/suggest.js";
export { CurriculumConfig } from "./config/curriculum.js";
export { STYLES, TaskSourceConfig, TIERS } from "./config/task-source.js";
export { StopWhenConfig, ValidationConfig } from "./config/validation.js";
export {
  ListenError,
  MalformedMessageError,
  RequestTooLargeError,
  RpcError,
  TensorNotHeldError,
  UnreadableRequestError,
  WrongTokenError,
} from "./errors.js";
export {
  FINAL_EVENTS,
  RunEventBody,
  type RunEventOf,
  type RunEventType,
} from "./events/schemas.js";
export { LaneMetrics } from "./events/lane-metrics.js";
export { InputFile, InputSource, RunInputs } from "./events/run-inputs.js";
export { RunService } from "./events/run-service.js";
export { fromRunEvent, toRunEvent, type WatchedEvent } from "./events/watched-event.js";
export {
  FleetServiceService as FleetService,
  HeartbeatRequest,
  HeartbeatResponse,
  LeaveRequest,
  LeaveResponse,
  RegisterRequest,
  RegisterResponse,
} from "./gen/gumshoe/v1/fleet.js";
export {
  CompleteLaneRequest,
  CompleteLaneResponse,
  FetchLaneRequest,
  Lane,
  PackAnswerMessage,
  PackMessage,
  PackServiceService as PackService,
} from "./gen/gumshoe/v1/pack.js";
export {
  AssignRequest,
  AssignResponse,
  CheckpointFile,
  CollectRequest,
  CollectResponse,
  NormRequest,
  NormResponse,
  ReducerServiceService as ReducerService,
  StepRequest,
  StepResponse,
  WriteCheckpointRequest,
  WriteCheckpointResponse,
} from "./gen/gumshoe/v1/reducer.js";
export {
  EarlyStop,
  FetchGroupRequest,
  GetRunAssetsRequest,
  GroupSpec,
  RolloutResult,
  RolloutServiceService as RolloutService,
  RunAssets,
  SubmitGroupRequest,
  SubmitGroupResponse,
  TensorSource,
} from "./gen/gumshoe/v1/rollout.js";
export {
  CancelRunRequest,
  Checkpoint,
  CheckpointChunk,
  CheckpointFileInfo,
  CoordinatorStatus,
  DownloadCheckpointRequest,
  Fleet,
  GetFleetRequest,
  GetRunRequest,
  ListCheckpointsRequest,
  ListCheckpointsResponse,
  ListRolloutsRequest,
  ListRolloutsResponse,
  ListRunsRequest,
  ListRunsResponse,
  Rollout,
  Run,
  RunEvent,
  RunState,
  SubmitRunRequest,
  WatchRunRequest,
  WeightVersion,
  WorkerStatus,
} from "./gen/gumshoe/v1/run.js";
export { PullTensorRequest, TensorChunk } from "./gen/gumshoe/v1/tensors.js";
export {
  formatTensorName,
  groupKey,
  type GroupKind,
  laneKey,
  PARAMETER_BLOCK,
  parseGroupKey,
  parseTensorName,
  MOMENTS_FILE,
  EARLIER_MOMENTS_FILE,
  PROTOCOL_VERSION,
  REMOVED_PREFIX,
  type TensorName,
  WORKER_ROLES,
  WORKER_STATES,
  type WorkerRole,
  type WorkerState,
} from "./names.js";
export {
  GradientJob,
  type JobOf,
  type QueueName,
  type QueuePolicy,
  QUEUES,
  RolloutJob,
} from "./queues.js";
export { isBearer } from "./rpc/auth.js";
export { warnIfPlaintext } from "./rpc/plaintext-warning.js";
export {
  type CallOptions,
  type ChannelOptions,
  RpcChannel,
  type RpcClient,
} from "./rpc/channel.js";
export { type CallContext, type RpcHandlers } from "./rpc/handlers.js";
export { MAX_CONFIG_BYTES, MAX_MESSAGE_BYTES, WATCH_GATHER_MS } from "./rpc/limits.js";
export { RefusalLog } from "./rpc/refusal-log.js";
export { RpcServer } from "./rpc/server.js";
export { type RequestOf, type ResponseOf, type RpcService } from "./rpc/service.js";
export { fromGrpcFailure, type GrpcFailure, toGrpcFailure } from "./status.js";
export { TensorService } from "./tensors/chunk-codec.js";
export { bytesToFloats, floatsToBytes } from "./tensors/floats.js";
export { MemoryFiles } from "./tensors/memory-files.js";
export {
  type HeldRange,
  pullTensor,
  serveTensor,
  shareAhead,
  TENSOR_WINDOW_BYTES,
} from "./tensors/transfer.js";
export { blockDigests, weightDigest } from "./tensors/weight-digest.js";
export { handshakeProblem } from "./rpc/tls.js";
