import { ClusterError } from "@gumshoe/core";

/** Thrown when an adapter was trained on other weights than those of the base model that is named. */
export class OtherBaseError extends ClusterError {
  constructor(adapter: string, base: { folder: string; digest: string; expected: string }) {
    const { folder, digest, expected } = base;
    const [is, was] = [digest, expected].map((text) => `${text.slice(0, 12)}...`);
    const problem = `is an adapter of another base model than ${folder}`;
    super(
      "INVALID_ARGUMENT",
      `${adapter} ${problem}: it was trained on weights ${was}, and these are ${is}`,
      { details: { adapter, base: folder, digest, expected } },
    );
  }
}

/** Thrown when the sampler's thread has ended, so that nothing can be served any more. */
export class SamplerLostError extends ClusterError {
  constructor(problem: string, cause?: unknown) {
    super("UNAVAILABLE", `the thread of the sampler ${problem}`, { cause });
  }
}

/** What a refused request is about, in the terms of OpenAI's errors. */
export interface ProblemFields {
  readonly status: number;
  /** `invalid_request_error`, `rate_limit_error` or `server_error`. */
  readonly type: string;
  /** The field of the request; null for none. */
  readonly param: string | null;
  readonly code: string | null;
}

/** Thrown when a request is refused; it is answered in the shape of OpenAI's errors. */
export class RequestProblem extends ClusterError {
  constructor(
    readonly fields: ProblemFields,
    message: string,
  ) {
    super("INVALID_ARGUMENT", message, { details: { ...fields } });
  }
}

/** Thrown when a field of a request has a wrong value. */
export class WrongFieldError extends RequestProblem {
  constructor(field: string | null, problem: string, code: string | null = null) {
    const message = field === null ? problem : `${field}: ${problem}`;
    super({ status: 400, type: "invalid_request_error", param: field, code }, message);
  }
}
