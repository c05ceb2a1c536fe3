export { findServedCheckpoint, type ServedCheckpoint } from "./checkpoint/served-checkpoint.js";
export { Coordinator } from "./coordinator.js";
export {
  CoordinatorSettingsError,
  CorruptRecordError,
  ExactnessError,
  HomeInUseError,
  MalformedGroupError,
  NameTakenError,
  NotExpectedError,
  PlanLostError,
  RunCannotLearnError,
  RunStoppedError,
  UnknownCheckpointError,
  UnknownRunError,
  WrongGroupWeightsError,
} from "./errors.js";
export { type CoordinatorSettings, readSettings } from "./settings.js";
