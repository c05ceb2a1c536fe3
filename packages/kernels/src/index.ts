export { type AttentionPlan, type AttentionSpan, createAttentionPlan } from "./attention-plan.js";
export { type ComparedCase, compareDevices } from "./conformance/compare-devices.js";
export { type CountingDevice, createCountingDevice } from "./counting-device.js";
export { type CpuDevice, type CpuDeviceOptions, createCpuDevice } from "./cpu-device.js";
export {
  type CommandList,
  type Device,
  type DeviceFault,
  type Dtype,
  type HostArray,
  type MapOptions,
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
export { type ArgumentType, type KernelStem, KERNELS, type Launch } from "./launches/launch.js";
export {
  compiledKernels,
  emulatedKernels,
  type KernelSource,
  kernelSource,
} from "./launches/sources.js";
export { launchesOf, scratchBytesOf } from "./launches/twins.js";
export { type InstructionSet, KV_BLOCK, OPERATIONS, PANEL, STATUS } from "./native/records.js";
export * as ops from "./ops.js";
export { measureFmaPeak, PeakProbe } from "./peak.js";
export { RecordedCommandList, type Runner } from "./recorded-command-list.js";
export { type RopeScaling, ropeTable } from "./rope-table.js";
export { createSharedMemory, mapSharedMemory, type SharedMapping } from "./shared-memory.js";
