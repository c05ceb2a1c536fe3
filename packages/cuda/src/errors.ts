import { ClusterError, type ErrorCode } from "@gumshoe/core";

/** Thrown when koffi, which calls native libraries, is not installed or not built for this machine. */
export class ForeignCallsError extends ClusterError {
  constructor(cause: unknown) {
    super(
      "FAILED_PRECONDITION",
      "koffi, which calls native libraries, cannot be loaded on this machine: run npm install " +
        `(${process.platform} ${process.arch}, Node.js ${process.version})`,
      { details: { platform: process.platform, arch: process.arch }, cause },
    );
  }
}

/** One place where a library was looked for. */
export interface LibraryAttempt {
  readonly path: string;
  /** Why it could not be loaded. */
  readonly problem: string;
}

/** Thrown when a library is at none of the places where it was looked for. */
export class MissingLibraryError extends ClusterError {
  constructor(
    /** What it is, e.g. `the CUDA driver`. */
    readonly library: string,
    readonly attempts: readonly LibraryAttempt[],
    remedy: string,
  ) {
    const places = attempts.map(({ path, problem }) => `${path} (${problem})`).join(", ");
    super(
      "FAILED_PRECONDITION",
      `${library} cannot be loaded; looked for: ${places === "" ? "nothing" : places}. ${remedy}`,
      { details: { library, attempts } },
    );
  }
}

/** Thrown when a library that was loaded does not export a function, because it is too old for it. */
export class MissingFunctionError extends ClusterError {
  constructor(
    readonly library: string,
    readonly functionName: string,
    cause: unknown,
  ) {
    super(
      "FAILED_PRECONDITION",
      `${library} has no function ${functionName}: install a newer one`,
      {
        details: { library, functionName },
        cause,
      },
    );
  }
}

/** Thrown when the driver is older than what this package calls. */
export class DriverTooOldError extends ClusterError {
  constructor(
    /** The CUDA version that the driver supports, e.g. `11.4`. */
    readonly found: string,
    readonly needed: string,
  ) {
    super(
      "FAILED_PRECONDITION",
      `the driver supports CUDA ${found}, and ${needed} or newer is needed: update the NVIDIA driver`,
      { details: { found, needed } },
    );
  }
}

/** Thrown when a call of the driver fails. */
export class CudaError extends ClusterError {
  constructor(
    code: ErrorCode,
    /** The function that failed, e.g. `cuMemAlloc_v2`. */
    readonly call: string,
    /** What the driver says of the status. */
    readonly status: { readonly number: number; readonly name: string; readonly text: string },
    /** Whether the context is lost: the process must end to use the GPU again. */
    readonly isContextLost: boolean,
  ) {
    const earlier = isContextLost
      ? "; an earlier launch may be the cause, and this process can use the GPU no longer"
      : "";
    super(code, `${call}: ${status.name} (${status.number}): ${status.text}${earlier}`, {
      details: { call, status, isContextLost },
    });
  }
}

/** Thrown when a handle is used after it was disposed. */
export class DisposedHandleError extends ClusterError {
  constructor(readonly what: string) {
    super("FAILED_PRECONDITION", `${what} was disposed`, { details: { what } });
  }
}

/** Thrown when a kernel's parameters are not those that its module declares. */
export class KernelSignatureError extends ClusterError {
  constructor(
    readonly kernel: string,
    problem: string,
  ) {
    super("INVALID_ARGUMENT", `kernel ${kernel}: ${problem}`, { details: { kernel, problem } });
  }
}

/** Thrown when a module image is damaged, or not one that this GPU and driver can run. */
export class ModuleImageError extends ClusterError {
  constructor(
    problem: string,
    /** What the driver said; null when it was not asked. */
    readonly reason: CudaError | null,
  ) {
    super("INVALID_ARGUMENT", `the module cannot be loaded: ${problem}`, {
      details: { problem, status: reason?.status ?? null },
      cause: reason,
    });
  }
}

/** Thrown when NVRTC does not compile a program. */
export class CompileError extends ClusterError {
  constructor(
    readonly program: string,
    /** The compiler's messages. */
    readonly log: string,
  ) {
    super("INVALID_ARGUMENT", `${program} does not compile:\n${log}`, {
      details: { program, log },
    });
  }
}

/** Thrown when a Python package cannot be fetched now: its index or its file cannot be reached. */
export class PackageAwayError extends ClusterError {
  constructor(
    /** Without a user's name and password. */
    readonly url: string,
    problem: string,
    cause?: unknown,
  ) {
    super("UNAVAILABLE", `${url}: ${problem}`, { details: { url }, cause });
  }
}

/** Thrown when a Python package is not the one that is pinned, or not a package as pip installs it. */
export class WrongPackageError extends ClusterError {
  constructor(
    readonly file: string,
    problem: string,
  ) {
    super("DATA_LOSS", `${file} ${problem}; nothing of it is kept`, { details: { file } });
  }
}

/** Thrown when a call of NVRTC, cuBLASLt or NCCL fails. */
export class LibraryCallError extends ClusterError {
  constructor(
    readonly call: string,
    readonly status: number,
    /** What the library says of the status. */
    readonly text: string,
  ) {
    super("INTERNAL", `${call}: ${text} (${status})`, { details: { call, status, text } });
  }
}
