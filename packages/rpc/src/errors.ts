import { ClusterError, type ErrorCode, errorMessage, type TlsRole } from "@gumshoe/core";

/** Thrown when a call fails, remotely or in transport; carries the remote error's code. */
export class RpcError extends ClusterError {
  /** Path of the method, e.g. `/gumshoe.v1.RunService/GetRun`. */
  readonly method: string;
  /** The address that was called; empty when unknown. */
  readonly address: string;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      method: string;
      address: string;
      details?: Record<string, unknown>;
      cause?: unknown;
    },
  ) {
    super(code, message, { details: options.details ?? {}, cause: options.cause });
    this.method = options.method;
    this.address = options.address;
  }
}

/** Thrown when a server cannot listen at its address, e.g. because the port is in use. */
export class ListenError extends ClusterError {
  constructor(
    readonly address: string,
    cause: Error,
  ) {
    const reason = listenProblem(cause);
    super("FAILED_PRECONDITION", `cannot listen on ${address}: ${reason}`, {
      details: { address, reason },
      cause,
    });
  }
}

function listenProblem({ message }: Error): string {
  if (message.includes("EADDRINUSE")) return "the port is in use";
  if (message.includes("EADDRNOTAVAIL")) return "this machine has no such address";
  if (message.includes("EACCES")) return "not allowed";
  if (message.includes("ENOTFOUND") || message.includes("EAI_AGAIN")) return "the host is unknown";
  return message;
}

/** Thrown when a call carries no token, or a wrong one. */
export class WrongTokenError extends ClusterError {
  constructor(problem: "missing" | "wrong") {
    super("UNAUTHENTICATED", `the token is ${problem}`, { details: { problem } });
  }
}

/** Thrown when the role of the caller's certificate may not call a method. */
export class WrongRoleError extends ClusterError {
  constructor(
    /** Null for a caller without a certificate. */
    readonly role: TlsRole | null,
    readonly callers: readonly TlsRole[],
  ) {
    super(
      "UNAUTHENTICATED",
      role === null
        ? `only a caller with a certificate of ${callers.join(" or ")} may call this`
        : `a certificate of role ${role} may not call this; ${callers.join(" and ")} may`,
      { details: { role, callers } },
    );
  }
}

/** Thrown when a caller announces compressed messages, which this server does not accept. */
export class CompressedRequestError extends ClusterError {
  constructor() {
    super("INVALID_ARGUMENT", "compressed requests are not taken: send them without grpc-encoding");
  }
}

/** Thrown when a request is larger than its method allows; a retry does not help. */
export class RequestTooLargeError extends ClusterError {
  constructor(
    readonly bytes: number,
    readonly maxBytes: number,
  ) {
    super("INVALID_ARGUMENT", `the request has ${bytes} bytes; the limit is ${maxBytes}`, {
      details: { bytes, maxBytes },
    });
  }
}

/** Thrown when the bytes of a request cannot be decoded as the method's message. */
export class UnreadableRequestError extends ClusterError {
  constructor(cause: unknown) {
    super("INVALID_ARGUMENT", `the request cannot be decoded: ${errorMessage(cause)}`, { cause });
  }
}
