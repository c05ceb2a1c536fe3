export { type AttentionPlan, type AttentionSpan, createAttentionPlan } from "./attention-plan.js";
export { type CountingDevice, createCountingDevice } from "./counting-device.js";
export { type CpuDeviceOptions, createCpuDevice } from "./cpu-device.js";
export {
  type CommandList,
  type Device,
  type DeviceFault,
  type Dtype,
  type HostArray,
  type InstructionSet,
  type Tensor,
} from "./device.js";
export {
  DisposedError,
  KernelsMissingError,
  OutOfMemoryError,
  OutOfRangeIdError,
  ShapeError,
} from "./errors.js";
export { createKvCache, type KvCache, type KvCacheShape } from "./kv-cache.js";
export { KV_BLOCK, PANEL } from "./native/records.js";
export * as ops from "./ops.js";
export { measureFmaPeak, PeakProbe } from "./peak.js";
export { type RopeScaling, ropeTable } from "./rope-table.js";
export { createSharedMemory, mapSharedMemory, type SharedMapping } from "./shared-memory.js";
