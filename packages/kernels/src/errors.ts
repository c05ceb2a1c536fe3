import { ClusterError } from "@gumshoe/core";

/** Thrown when a tensor does not have the shape, dtype or device that an operation needs. */
export class ShapeError extends ClusterError {
  constructor(
    readonly operation: string,
    readonly argument: string,
    problem: string,
  ) {
    super("INVALID_ARGUMENT", `${operation}: ${argument} ${problem}`, {
      details: { operation, argument, problem },
    });
  }
}

/** Thrown when a command list contains a token id or a row number outside its table. */
export class OutOfRangeIdError extends ClusterError {
  constructor(readonly operation: string) {
    super("INVALID_ARGUMENT", `${operation}: an id or a row number is outside its table`, {
      details: { operation },
    });
  }
}

/** Thrown when a device has too little memory left for a request. */
export class OutOfMemoryError extends ClusterError {
  /** @param where  the device and what it has left, in words; default: this machine */
  constructor(what: string, bytes: number | null, where: string | null = null) {
    const size = bytes === null ? "" : ` of ${(bytes / 2 ** 20).toFixed(1)} MiB`;
    const place = where === null ? "" : ` on ${where}`;
    super("RESOURCE_EXHAUSTED", `no memory for ${what}${size}${place}`, {
      details: { what, bytes, where },
    });
  }
}

/** Thrown when a device or tensor is used after it was disposed of. */
export class DisposedError extends ClusterError {
  constructor(what: string) {
    super("FAILED_PRECONDITION", `${what} was disposed`, { details: { what } });
  }
}

/** Thrown when the kernels were not built, or cannot be loaded by this Node. */
export class KernelsMissingError extends ClusterError {
  constructor(file: string, cause: unknown) {
    super(
      "FAILED_PRECONDITION",
      `the CPU kernels cannot be loaded from ${file}: run "npm run build"`,
      { details: { file }, cause },
    );
  }
}
