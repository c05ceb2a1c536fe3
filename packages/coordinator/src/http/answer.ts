import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import { ClusterError, type ErrorCode, InvalidArgumentError } from "@gumshoe/core";
import type { Problem } from "@gumshoe/api";

import { CrossSiteError } from "../errors.js";

/** Answers from this size on are compressed, in bytes. */
const COMPRESS_FROM_BYTES = 4096;
/** Fast compression: an answer is read once. */
const LEVEL = 3;
const zip = promisify(gzip);

const STATUS: Readonly<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  FAILED_PRECONDITION: 409,
  RESOURCE_EXHAUSTED: 503,
  DATA_LOSS: 410,
  EXACTNESS: 409,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 503,
  ABORTED: 409,
  INTERNAL: 500,
};

/** Sends JSON, compressed where it is long and the caller takes it. */
export async function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  value: unknown,
  status = 200,
): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(value));
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
  };
  const takesGzip = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  if (bytes.length < COMPRESS_FROM_BYTES || !takesGzip) {
    response.writeHead(status, { ...headers, "content-length": bytes.length });
    response.end(request.method === "HEAD" ? undefined : bytes);
    return;
  }
  const zipped = await zip(bytes, { level: LEVEL });
  response.writeHead(status, {
    ...headers,
    vary: "accept-encoding",
    "content-encoding": "gzip",
    "content-length": zipped.length,
  });
  response.end(request.method === "HEAD" ? undefined : zipped);
}

/** Describes an error to a caller; null for one that is a defect of the coordinator. */
export function problemOf(error: unknown): { status: number; problem: Problem } | null {
  if (!(error instanceof ClusterError) || error.code === "INTERNAL") return null;
  const field = error instanceof InvalidArgumentError ? error.field : null;
  const { code, message } = error;
  const status = error instanceof CrossSiteError ? 403 : STATUS[code];
  return { status, problem: { error: { code, message, field } } };
}

/** Sends a problem without an error of its own. */
export function sendProblem(
  request: IncomingMessage,
  response: ServerResponse,
  options: { readonly status: number; readonly code: ErrorCode; readonly message: string },
): Promise<void> {
  const { status, code, message } = options;
  return sendJson(request, response, { error: { code, message, field: null } }, status);
}
