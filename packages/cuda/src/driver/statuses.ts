import type { ErrorCode } from "@gumshoe/core";

/** Statuses (`CUresult`) that are told apart. */
export const CUDA_SUCCESS = 0;
/** Work that was asked about has not ended yet; not an error. */
export const CUDA_ERROR_NOT_READY = 600;
/** What cuFuncGetParamInfo says past the last parameter. */
export const CUDA_ERROR_INVALID_VALUE = 1;
/** The driver is shutting down: the process ends. */
export const CUDA_ERROR_DEINITIALIZED = 4;
/** Peer access was enabled before. */
export const CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED = 704;
/** Peer access was not enabled, or disabled before. */
export const CUDA_ERROR_PEER_ACCESS_NOT_ENABLED = 705;

/** Statuses whose cause is not the driver itself, by number; all others are INTERNAL. */
const CODES = new Map<number, ErrorCode>([
  ...cases("INVALID_ARGUMENT", [1, 101, 200, 209, 218, 222, 300, 400, 801, 912, 914, 915]),
  ...cases("NOT_FOUND", [100, 301, 302, 500]),
  ...cases("RESOURCE_EXHAUSTED", [2, 701, 711, 720, 808, 809]),
  ...cases("ALREADY_EXISTS", [202, 208, 210, 704, 712]),
  ...cases("FAILED_PRECONDITION", [
    ...[3, 4, 34, 36, 102, 201, 205, 206, 207, 211, 212, 213, 215, 216, 217, 219, 221, 223, 224],
    ...[225, 303, 401, 402, 600, 705, 708, 709, 713, 800, 803, 804, 811, 812, 913],
    ...[900, 901, 902, 903, 904, 905, 906, 907, 908, 910],
  ]),
  ...cases("UNAVAILABLE", [46, 802, 805, 806, 807, 810]),
  ...cases("DEADLINE_EXCEEDED", [702, 909]),
]);

/** Statuses after which every call of the process fails in the same way, by cuda.h. */
const CONTEXT_LOST = new Set([
  ...[214, 220, 226, 700, 702, 703, 710, 714, 715, 716, 717, 718, 719, 721, 911],
]);

/** Returns the error code of a status that is not success. */
export function errorCodeOf(status: number): ErrorCode {
  return CODES.get(status) ?? "INTERNAL";
}

/** Whether a context is lost with a status. */
export function losesContext(status: number): boolean {
  return CONTEXT_LOST.has(status);
}

function cases(code: ErrorCode, statuses: readonly number[]): [number, ErrorCode][] {
  return statuses.map((status) => [status, code]);
}
