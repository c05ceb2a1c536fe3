import { status, text } from "../foreign/signatures.js";

/** Every function of NVRTC that is called, as nvrtc.h of CUDA 13 declares it. */
export const NVRTC_FUNCTIONS = {
  nvrtcVersion: status("host", "host"),
  nvrtcGetErrorString: text("i32"),
  nvrtcGetNumSupportedArchs: status("host"),
  nvrtcGetSupportedArchs: status("host"),
  nvrtcCreateProgram: status("host", "text", "text", "i32", "texts", "texts"),
  nvrtcDestroyProgram: status("host"),
  nvrtcCompileProgram: status("handle", "i32", "texts"),
  nvrtcGetProgramLogSize: status("handle", "host"),
  nvrtcGetProgramLog: status("handle", "host"),
  nvrtcGetCUBINSize: status("handle", "host"),
  nvrtcGetCUBIN: status("handle", "host"),
  nvrtcGetPTXSize: status("handle", "host"),
  nvrtcGetPTX: status("handle", "host"),
} as const;

/** The table's type. */
export type NvrtcFunctions = typeof NVRTC_FUNCTIONS;
