export {
  EngineLostError,
  OptimizerFileError,
  OutOfOrderError,
  WorkerSettingsError,
  WrongPlanError,
  WrongWeightsError,
} from "./errors.js";
export { type Identity, Membership, type Vitals } from "./host/membership.js";
export { isRefusal, WorkerHost } from "./host/worker-host.js";
export { readSettings, WORKER_NICE, type WorkerSettings } from "./settings.js";
