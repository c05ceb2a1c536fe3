import { ClusterError, type ErrorCode, errorMessage } from "@gumshoe/core";

/** Thrown when a device that was named cannot be used: the message is one line that says why, and what helps. */
export class DeviceRefusedError extends ClusterError {
  constructor(
    /** As it was named, e.g. `cuda:7`. */
    readonly device: string,
    readonly problem: string,
    { code = "FAILED_PRECONDITION", cause }: { code?: ErrorCode; cause?: unknown } = {},
  ) {
    super(code, `${device}: ${problem}`, { details: { device, problem }, cause });
  }
}

/** Thrown when kernels must be compiled and there is no compiler whose code the driver loads. */
export class CompilerMissingError extends ClusterError {
  constructor(
    /** The newest major version of CUDA that the driver supports. */
    readonly newestMajor: number,
    found = "there is no NVRTC",
  ) {
    super(
      "FAILED_PRECONDITION",
      `the kernels must be compiled for this GPU, and ${found}` +
        `${Number.isFinite(newestMajor) ? ` for a driver of CUDA ${newestMajor}` : ""}: npx gumshoe cuda fetch`,
      { details: { newestMajor } },
    );
  }
}

/** Thrown when a GPU lacks instructions that the kernels use. */
export class GpuTooOldError extends ClusterError {
  constructor(name: string, capability: number) {
    const text = (capability / 10).toFixed(1);
    super(
      "FAILED_PRECONDITION",
      `${name} has compute capability ${text}; the kernels need 8.0 (Ampere) or newer`,
      { details: { name, capability } },
    );
  }
}

/** Thrown when kernels failed in a way after which this process cannot use the GPU: it must end. */
export class DeviceLostError extends ClusterError {
  constructor(device: string, cause: unknown) {
    super("UNAVAILABLE", `${device} is lost to this process: ${errorMessage(cause)}`, { cause });
  }
}
