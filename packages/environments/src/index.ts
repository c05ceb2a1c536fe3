export { ModuleError, ModuleFailedError, OtherModuleError } from "./errors.js";
export { isWrongForm } from "./module/check-grade.js";
export { openEnvironment } from "./open-environment.js";
export { type RunEnvironment, type RunTaskSource } from "./run-environment.js";
export {
  type ModuleGrade,
  type ModuleTask,
  type TaskDraft,
  type TaskPosition,
  type UserEnvironment,
} from "./user-environment.js";
