export { type DeviceAddress, offsetAddress } from "./driver/address.js";
export { CudaContext } from "./driver/context.js";
export { type DeviceMemory } from "./driver/device-memory.js";
export { CudaDriver, type DriverOptions } from "./driver/driver.js";
export { type DriverCall, type DriverCalls } from "./driver/driver-calls.js";
export { type CudaEvent, type EventOptions } from "./driver/event.js";
export { DRIVER_FUNCTIONS, type DriverFunctions } from "./driver/functions.js";
export { type Gpu, type GpuAttribute } from "./driver/gpu.js";
export { type Graph } from "./driver/graph.js";
export { type PinnedMemory } from "./driver/host-memory.js";
export {
  type Extent,
  type Kernel,
  type KernelResources,
  type LaunchGeometry,
} from "./driver/kernel.js";
export { type KernelArguments, type KernelParameter } from "./driver/kernel-arguments.js";
export { type CudaModule } from "./driver/module.js";
export { type HostPart, type Stream } from "./driver/stream.js";
export {
  CompileError,
  CudaError,
  DisposedHandleError,
  DriverTooOldError,
  ForeignCallsError,
  KernelSignatureError,
  type LibraryAttempt,
  LibraryCallError,
  MissingFunctionError,
  MissingLibraryError,
  ModuleImageError,
  PackageAwayError,
  WrongPackageError,
} from "./errors.js";
export {
  type CompiledProgram,
  type CompileOptions,
  type CudaSource,
  Nvrtc,
  type NvrtcPlaces,
} from "./nvrtc/nvrtc.js";

export {
  CublasLt,
  type MatrixProduct,
  type ProductAlgorithm,
  type ProductPlan,
} from "./libraries/cublas-lt.js";
export { CUBLAS_LT_FUNCTIONS } from "./libraries/cublas-lt-functions.js";
export {
  type Communicator,
  Nccl,
  NCCL_FUNCTIONS,
  type NcclTransfer,
  type NcclType,
} from "./libraries/nccl.js";
export { fetchNvrtc, type NvrtcFetch } from "./nvrtc/fetch-nvrtc.js";
export { nvrtcWheel, type NvrtcWheel, wheelFolder } from "./nvrtc/wheels.js";
export { type LibraryPlaces } from "./foreign/library-paths.js";
export { NVRTC_FUNCTIONS } from "./nvrtc/functions.js";
