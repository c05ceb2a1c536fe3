export {
  type Bill,
  type BilledRun,
  billOf,
  type Phase,
  RELEASED_FROM_BYTES,
  type RoleBill,
  type Workers,
} from "./bill.js";
export { chooseCheckpointing, TRAINER_BATCH } from "./checkpointing.js";
export { kvCacheBlocks } from "./kv-cache.js";
export { machineMemory, type MachineMemory } from "./machine-memory.js";
export {
  GROUPS_IN_FLIGHT,
  type MeasuredTokens,
  type PackSize,
  type WorkSize,
  workSize,
} from "./work-size.js";
export { fleetBytes } from "./fixed-costs.js";
export { FleetTooLargeError, gigabytes, RunTooLargeError } from "./errors.js";
export { adviceFor, checkFits } from "./fit.js";
export {
  type FirstTasks,
  longestReply,
  longestTokens,
  measureTokens,
  type TaskEnvironments,
} from "./measure-tokens.js";
