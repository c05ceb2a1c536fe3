/**
 * Translates between error codes and gRPC statuses; no other file does.
 *
 * Processes of the cluster read code and details from the trailer `gumshoe-error-bin`; other
 * clients see the nearest gRPC status and the message.
 */
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ClusterError, ERROR_CODES, type ErrorCode, handshakeProblem } from "@gumshoe/core";

import { RpcError } from "./errors.js";

/** Trailer with code and details as JSON. */
const ERROR_TRAILER = "gumshoe-error-bin";

/** Longest trailer sent and read, in bytes before base64: gRPC peers limit all headers to 8 KiB or more. */
const MAX_TRAILER_BYTES = 2048;
/** Longest message sent, in characters of its percent-encoded form. */
const MAX_MESSAGE_CHARACTERS = 4096;

const STATUS_OF: Record<ErrorCode, status> = {
  INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  NOT_FOUND: status.NOT_FOUND,
  ALREADY_EXISTS: status.ALREADY_EXISTS,
  FAILED_PRECONDITION: status.FAILED_PRECONDITION,
  RESOURCE_EXHAUSTED: status.RESOURCE_EXHAUSTED,
  DATA_LOSS: status.DATA_LOSS,
  EXACTNESS: status.DATA_LOSS,
  UNAVAILABLE: status.UNAVAILABLE,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  ABORTED: status.ABORTED,
  INTERNAL: status.INTERNAL,
};

const CODE_OF: Partial<Record<status, ErrorCode>> = {
  [status.INVALID_ARGUMENT]: "INVALID_ARGUMENT",
  [status.OUT_OF_RANGE]: "INVALID_ARGUMENT",
  [status.UNAUTHENTICATED]: "UNAUTHENTICATED",
  [status.PERMISSION_DENIED]: "UNAUTHENTICATED",
  [status.NOT_FOUND]: "NOT_FOUND",
  [status.ALREADY_EXISTS]: "ALREADY_EXISTS",
  [status.FAILED_PRECONDITION]: "FAILED_PRECONDITION",
  [status.RESOURCE_EXHAUSTED]: "RESOURCE_EXHAUSTED",
  [status.DATA_LOSS]: "DATA_LOSS",
  [status.UNAVAILABLE]: "UNAVAILABLE",
  // The other side cancelled the call, e.g. because it is stopping.
  [status.CANCELLED]: "UNAVAILABLE",
  [status.DEADLINE_EXCEEDED]: "DEADLINE_EXCEEDED",
  [status.ABORTED]: "ABORTED",
};

/** The status, message and trailers of a failed call. */
export interface GrpcFailure {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/**
 * Converts a thrown value into a gRPC failure. Errors other than ClusterError become INTERNAL
 * without their message, which may hold secrets.
 */
export function toGrpcFailure(thrown: unknown): GrpcFailure {
  const metadata = new Metadata();
  if (!(thrown instanceof ClusterError)) {
    return { code: status.INTERNAL, details: "internal error, see the server's log", metadata };
  }
  const trailer = Buffer.from(JSON.stringify({ code: thrown.code, details: thrown.details }));
  metadata.set(
    ERROR_TRAILER,
    trailer.byteLength <= MAX_TRAILER_BYTES
      ? trailer
      : Buffer.from(JSON.stringify({ code: thrown.code, details: {} })),
  );
  return { code: STATUS_OF[thrown.code], details: sendable(thrown.message), metadata };
}

/**
 * Truncates and repairs a message for a header: grpc-js encodes it with encodeURI, which throws on
 * a lone surrogate, and peers reject headers that are too long.
 */
function sendable(message: string): string {
  // Every character takes at least one byte when encoded.
  const text = Buffer.from(message.slice(0, MAX_MESSAGE_CHARACTERS)).toString();
  const isWhole = text.length === message.length;
  if (isWhole && encodeURI(text).length <= MAX_MESSAGE_CHARACTERS) return text;
  let kept = "";
  let length = ELLIPSIS.length;
  for (const character of text) {
    length += encodeURI(character).length;
    if (length > MAX_MESSAGE_CHARACTERS) break;
    kept += character;
  }
  return kept + ELLIPSIS;
}

const ELLIPSIS = "...";

/** Converts the failure of a call into the error that the caller receives. */
export function fromGrpcFailure(
  failure: ServiceError,
  call: { method: string; address: string },
): RpcError {
  const trailer = readTrailer(failure.metadata);
  const handshake = failure.code === status.UNAVAILABLE ? handshakeProblem(failure.details) : null;
  if (trailer === null && handshake !== null) {
    const message = `${call.address} cannot be trusted, or does not trust us: ${handshake}`;
    return new RpcError("UNAUTHENTICATED", message, call);
  }
  const code = trailer?.code ?? libraryCode(failure) ?? "INTERNAL";
  const fromServer = trailer !== null || !isTransport(failure.code);
  const message = fromServer
    ? readable(failure.details)
    : `${shortMethod(call.method)} at ${call.address}: ${transportProblem(failure)}`;
  return new RpcError(code, message, { ...call, details: trailer?.details ?? {} });
}

/** Rewrites grpc-js's message about a request over its limit. */
function readable(details: string): string {
  const [, bytes, limit] =
    /^Received message larger than max \((\d+) vs (\d+)\)$/.exec(details) ?? [];
  if (bytes === undefined) return details;
  return `the request has ${bytes} bytes; the limit is ${limit}`;
}

/**
 * Maps a failure that gRPC itself reports to an error code. A message over its limit is not
 * retryable.
 */
function libraryCode({ code, details }: ServiceError): ErrorCode | undefined {
  const isTooLong =
    code === status.RESOURCE_EXHAUSTED && /message (larger than max|with size)/.test(details);
  return isTooLong ? "INVALID_ARGUMENT" : CODE_OF[code];
}

function isTransport(code: status): boolean {
  return code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED;
}

function transportProblem(failure: ServiceError): string {
  if (failure.code === status.DEADLINE_EXCEEDED) return "no answer in time";
  // The connection was established and broke before a response.
  if (/Last error: Failed to connect/.test(failure.details)) {
    return "it closes the connection; perhaps it requires TLS, and GUMSHOE_TLS is not set here";
  }
  return /ECONNREFUSED|No connection established/.test(failure.details)
    ? "no server answers there"
    : failure.details;
}

function shortMethod(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function readTrailer(
  metadata: Metadata | undefined,
): { code: ErrorCode; details: Record<string, unknown> } | null {
  const bytes = metadata?.get(ERROR_TRAILER)[0];
  // This project's processes send no longer trailer, and longer JSON could be nested deeper than
  // the stack.
  if (!Buffer.isBuffer(bytes) || bytes.byteLength > MAX_TRAILER_BYTES) return null;
  try {
    const json = JSON.parse(bytes.toString("utf8")) as { code?: unknown; details?: unknown };
    if (typeof json.code !== "string" || !Object.hasOwn(ERROR_CODES, json.code)) return null;
    const details = typeof json.details === "object" && json.details !== null ? json.details : {};
    return { code: json.code as ErrorCode, details: details as Record<string, unknown> };
  } catch {
    return null;
  }
}
