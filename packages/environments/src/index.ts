export { Rng, type Words4 } from "@gumshoe/core";
export { parseRunConfig, type RunConfig } from "@gumshoe/config";
export { type GroupKind } from "@gumshoe/protocol";
export {
  type Carelessness,
  type GraderName,
  type Kind,
  type Message,
  type SatSolver,
  type SolverFactory,
  type Task,
  type TaskGrade,
  type TaskSourceOptions,
  type TracedReplyOptions,
  type Vocabulary,
} from "@gumshoe/puzzles";
export {
  Conversation,
  type ConversationCodec,
  type ConversationOptions,
  type EndedAnswer,
  type SampledTurn,
  transcript,
  type TurnMessage,
} from "./conversation/conversation.js";
export {
  ModuleError,
  ModuleFailedError,
  OtherModuleError,
  SourceAwayError,
  SourceServerError,
} from "./errors.js";
export { isReachable } from "./http/is-reachable.js";
export { hasThrown, isWrongForm } from "./module/check-grade.js";
export { type StepResult } from "./module/check-step.js";
export { checkModuleName } from "./module/source-files.js";
export { sourceOfTask } from "./mix-environment.js";
export { type NamedSource, openEnvironment, openSource } from "./open-environment.js";
export { MAX_DATA_BYTES } from "./read-data-file.js";
export {
  type EnvironmentPart,
  type RunEnvironment,
  type RunTaskSource,
  singleEnvironments,
} from "./run-environment.js";
export { TABLE_EXTENSIONS } from "./table/read-table.js";
export {
  type ModuleGrade,
  type ModuleStep,
  type ModuleTask,
  type ReplyTurn,
  type StepMessage,
  type TaskDraft,
  type TaskPosition,
  type UserEnvironment,
} from "./user-environment.js";
