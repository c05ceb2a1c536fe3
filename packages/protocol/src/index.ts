export { runAssetsDigest } from "./assets-digest.js";
export { TensorService } from "./chunk-codec.js";
export { MalformedMessageError } from "./errors.js";
export { InputFile, InputSource, RunInputs } from "./events/run-inputs.js";
export { RunService } from "./events/run-service.js";
export {
  FINAL_EVENTS,
  MAX_PRIORITY,
  RunEventBody,
  type RunEventOf,
  type RunEventType,
} from "./events/schemas.js";
export { fromRunEvent, toRunEvent, type WatchedEvent } from "./events/watched-event.js";
export { DESCRIPTOR_SET } from "./gen/descriptors.js";
export {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus,
  HealthService,
} from "./gen/grpc/health/v1/health.js";
export {
  ServerReflectionRequest,
  ServerReflectionResponse,
  ServerReflectionService,
} from "./gen/grpc/reflection/v1/reflection.js";
export {
  FleetServiceService as FleetService,
  HeartbeatRequest,
  HeartbeatResponse,
  LeaveRequest,
  LeaveResponse,
  RegisterRequest,
  ReportEndRequest,
  RegisterResponse,
} from "./gen/gumshoe/v1/fleet.js";
export {
  CompleteLaneRequest,
  CompleteLaneResponse,
  FetchLaneRequest,
  Lane,
  LaneMetrics,
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
  SetReferenceRequest,
  SetReferenceResponse,
  StepRequest,
  StepResponse,
  WriteCheckpointRequest,
  WriteCheckpointResponse,
} from "./gen/gumshoe/v1/reducer.js";
export {
  EarlyStop,
  SamplingOptions,
  FetchGroupRequest,
  GetRunAssetsRequest,
  GroupSpec,
  RolloutResult,
  TurnLimits,
  ChatMessage,
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
  ForkedFrom,
  ForkPoint,
  GetFleetRequest,
  GetRunRequest,
  ListCheckpointsRequest,
  ListCheckpointsResponse,
  ListRolloutsRequest,
  ListRolloutsResponse,
  ListRunsRequest,
  ListRunsResponse,
  MachineTime,
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
  bytesToFloats,
  bytesToTokens,
  floatsToBytes,
  sampledCount,
  tokenCount,
  tokensToBytes,
} from "./packed-arrays.js";
export {
  GradientJob,
  type JobOf,
  type QueueName,
  type QueuePolicy,
  QUEUES,
  RolloutJob,
} from "./queues.js";
export { REWARD_PREFIX, rewardsIn, withRewards } from "./reward-metrics.js";
