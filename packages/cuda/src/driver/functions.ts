import { status } from "../foreign/signatures.js";

/**
 * Every function of the driver that is called, as cuda.h of CUDA 13 declares it.
 *
 * Names are those that the library exports: a suffix such as `_v2` is part of them. Outputs are `host`.
 */
export const DRIVER_FUNCTIONS = {
  cuInit: status("u32"),
  cuDriverGetVersion: status("host"),
  cuGetErrorName: status("i32", "textOut"),
  cuGetErrorString: status("i32", "textOut"),

  cuDeviceGetCount: status("host"),
  cuDeviceGet: status("host", "i32"),
  cuDeviceGetName: status("host", "i32", "i32"),
  cuDeviceGetUuid_v2: status("host", "i32"),
  cuDeviceGetPCIBusId: status("host", "i32", "i32"),
  cuDeviceTotalMem_v2: status("host", "i32"),
  cuDeviceGetAttribute: status("host", "i32", "i32"),
  cuDeviceCanAccessPeer: status("host", "i32", "i32"),

  cuDevicePrimaryCtxRetain: status("host", "i32"),
  cuDevicePrimaryCtxRelease_v2: status("i32"),
  cuCtxSetCurrent: status("handle"),
  cuCtxGetCurrent: status("host"),
  cuCtxSynchronize: status(),
  cuCtxGetStreamPriorityRange: status("host", "host"),
  cuCtxEnablePeerAccess: status("handle", "u32"),
  cuCtxDisablePeerAccess: status("handle"),

  cuMemGetInfo_v2: status("host", "host"),
  cuMemAlloc_v2: status("host", "size"),
  cuMemFree_v2: status("address"),
  cuMemAllocAsync: status("host", "size", "handle"),
  cuMemFreeAsync: status("address", "handle"),
  cuMemHostRegister_v2: status("host", "size", "u32"),
  cuMemHostUnregister: status("host"),
  cuMemHostGetDevicePointer_v2: status("host", "host", "u32"),

  cuMemcpyHtoD_v2: status("address", "host", "size"),
  cuMemcpyDtoH_v2: status("host", "address", "size"),
  cuMemcpyDtoD_v2: status("address", "address", "size"),
  cuMemcpyHtoDAsync_v2: status("address", "host", "size", "handle"),
  cuMemcpyDtoHAsync_v2: status("host", "address", "size", "handle"),
  cuMemcpyDtoDAsync_v2: status("address", "address", "size", "handle"),
  cuMemcpyPeerAsync: status("address", "handle", "address", "handle", "size", "handle"),
  cuMemsetD8Async: status("address", "u8", "size", "handle"),
  cuMemsetD32Async: status("address", "u32", "size", "handle"),

  cuStreamCreateWithPriority: status("host", "u32", "i32"),
  cuStreamDestroy_v2: status("handle"),
  cuStreamQuery: status("handle"),
  cuStreamSynchronize: status("handle"),
  cuStreamWaitEvent: status("handle", "handle", "u32"),
  cuStreamBeginCapture_v2: status("handle", "i32"),
  cuStreamEndCapture: status("handle", "host"),
  cuStreamIsCapturing: status("handle", "host"),

  cuEventCreate: status("host", "u32"),
  cuEventDestroy_v2: status("handle"),
  cuEventRecord: status("handle", "handle"),
  cuEventQuery: status("handle"),
  cuEventSynchronize: status("handle"),
  cuEventElapsedTime: status("host", "handle", "handle"),

  cuModuleLoadDataEx: status("host", "host", "u32", "host", "host"),
  cuModuleUnload: status("handle"),
  cuModuleGetFunction: status("host", "handle", "text"),
  cuFuncGetAttribute: status("host", "i32", "handle"),
  cuFuncSetAttribute: status("handle", "i32", "i32"),
  /** Since CUDA 12.4. */
  cuFuncGetParamInfo: status("handle", "size", "host", "host"),
  cuOccupancyMaxActiveBlocksPerMultiprocessor: status("host", "handle", "i32", "size"),
  cuLaunchKernel: status(
    ...(["handle", "u32", "u32", "u32", "u32", "u32", "u32"] as const),
    ...(["u32", "handle", "host", "host"] as const),
  ),

  cuGraphGetNodes: status("handle", "host", "host"),
  cuGraphInstantiateWithFlags: status("host", "handle", "u64"),
  cuGraphUpload: status("handle", "handle"),
  cuGraphLaunch: status("handle", "handle"),
  cuGraphDestroy: status("handle"),
  cuGraphExecDestroy: status("handle"),

  cuIpcGetMemHandle: status("host", "address"),
  cuIpcOpenMemHandle_v2: status("host", "bytes64", "u32"),
  cuIpcCloseMemHandle: status("address"),
  cuIpcGetEventHandle: status("host", "handle"),
  cuIpcOpenEventHandle: status("host", "bytes64"),
} as const;

/** The table's type. */
export type DriverFunctions = typeof DRIVER_FUNCTIONS;
