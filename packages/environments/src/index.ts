export { ModuleError, OtherModuleError } from "./errors.js";
export { openEnvironment } from "./open-environment.js";
export {
  type ModuleGrade,
  type ModuleTask,
  type TaskDraft,
  type TaskPlace,
  type UserEnvironment,
} from "./user-environment.js";
