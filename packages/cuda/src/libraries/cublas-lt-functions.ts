import { size, status, text } from "../foreign/signatures.js";

/** Every function of cuBLASLt that is called, as cublasLt.h of CUDA 13 declares it. */
export const CUBLAS_LT_FUNCTIONS = {
  cublasLtGetVersion: size(),
  cublasLtGetStatusString: text("i32"),
  cublasLtCreate: status("host"),
  cublasLtDestroy: status("handle"),
  cublasLtMatmulDescCreate: status("host", "i32", "i32"),
  cublasLtMatmulDescDestroy: status("handle"),
  cublasLtMatmulDescSetAttribute: status("handle", "i32", "host", "size"),
  cublasLtMatrixLayoutCreate: status("host", "i32", "u64", "u64", "u64"),
  cublasLtMatrixLayoutDestroy: status("handle"),
  cublasLtMatmulPreferenceCreate: status("host"),
  cublasLtMatmulPreferenceDestroy: status("handle"),
  cublasLtMatmulPreferenceSetAttribute: status("handle", "i32", "host", "size"),
  cublasLtMatmulAlgoGetHeuristic: status(
    ...(["handle", "handle", "handle", "handle", "handle", "handle"] as const),
    ...(["handle", "i32", "host", "host"] as const),
  ),
  cublasLtMatmul: status(
    ...(["handle", "handle", "host", "address", "handle", "address", "handle"] as const),
    ...(["host", "address", "handle", "address", "handle", "host"] as const),
    ...(["address", "size", "handle"] as const),
  ),
} as const;

/** The table's type. */
export type CublasLtFunctions = typeof CUBLAS_LT_FUNCTIONS;
