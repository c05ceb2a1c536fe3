import { ClusterError } from "@gumshoe/core";
import { BodyTooLargeError } from "@gumshoe/http";

import { type ProblemFields, RequestProblem } from "../errors.js";

/** An error as OpenAI's clients read it. */
export interface Problem {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** Makes the body of an error. */
export function toProblem(
  { type, param, code }: Omit<ProblemFields, "status">,
  message: string,
): Problem {
  return { error: { message, type, param, code } };
}

/** Describes an error to a caller; null for one that is a defect of the server. */
export function problemOf(error: unknown): { status: number; problem: Problem } | null {
  if (error instanceof RequestProblem) {
    const { fields, message } = error;
    return { status: fields.status, problem: toProblem(fields, message) };
  }
  if (error instanceof BodyTooLargeError) {
    const fields = { type: "invalid_request_error", param: null, code: "request_too_large" };
    return { status: 413, problem: toProblem(fields, error.message) };
  }
  if (!(error instanceof ClusterError) || error.code === "INTERNAL") return null;
  if (error.code === "INVALID_ARGUMENT") {
    const param = typeof error.details["field"] === "string" ? error.details["field"] : null;
    const fields = { type: "invalid_request_error", param, code: null };
    return { status: 400, problem: toProblem(fields, error.message) };
  }
  const status = STATUS[error.code] ?? 503;
  const fields = { type: "server_error", param: null, code: error.code.toLowerCase() };
  return { status, problem: toProblem(fields, error.message) };
}

const STATUS: Readonly<Record<string, number>> = { DATA_LOSS: 500, DEADLINE_EXCEEDED: 504 };
