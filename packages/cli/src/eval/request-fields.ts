import type { Message } from "@gumshoe/puzzles";

import type { SamplingOptions } from "./answer-source.js";
import { limitFields } from "./sampling-limits.js";

/** Fields that an endpoint may reject, and that are then changed or omitted. */
const OPTIONAL_FIELDS = ["temperature", "seed"] as const;
/** Names of the length limit; if an endpoint rejects one, the other is used. */
const LIMIT_FIELDS = ["max_tokens", "max_completion_tokens"] as const;

/** Matches messages that reject a value, and not the field as such. */
const WRONG_VALUE =
  /too (large|long|high|big|small)|context (length|window)|maximum context|at (least|most)|(less|greater|more|lower|higher) than|exceed|out of range|between|in the range|within|minimum|positive/i;

/** The user's settings for fields other than model and prompt. */
export interface FieldSettings {
  /** Name of the length limit. */
  readonly limitField: string;
  /** Fields to omit. */
  readonly omitted: readonly string[];
  /** Additional fields, which override others. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** Builds request bodies, and tracks which fields an endpoint rejects. */
export class RequestFields {
  readonly limitField: string;
  readonly omitted: ReadonlySet<string>;
  readonly #extra: Readonly<Record<string, unknown>>;

  constructor(settings: FieldSettings) {
    this.limitField = settings.limitField;
    this.omitted = new Set(settings.omitted);
    this.#extra = settings.extra;
  }

  /** Builds the body of one request. */
  body(
    messages: readonly Message[],
    options: SamplingOptions,
    model: string | null,
  ): Record<string, unknown> {
    const all: Record<string, unknown> = {
      messages,
      temperature: options.temperature,
      [this.limitField]: options.maxAnswerTokens,
      seed: options.seed,
      ...limitFields(options.limits),
    };
    if (model !== null) all["model"] = model;
    for (const field of this.omitted) delete all[field];
    return { ...all, ...this.#extra };
  }

  /**
   * Determines which field an error may refer to, and how to send the request without it. Only the
   * response to that request shows whether it was the cause.
   *
   * @returns  the fields for the next attempt, and a description of the change; null when the error
   *   refers to no field, or to a required one
   */
  without(refusal: string): { fields: RequestFields; change: string } | null {
    const field = this.#refusedField(refusal);
    if (field === null) return null;
    const [first, second] = LIMIT_FIELDS;
    if (field === first || field === second) {
      const other = field === first ? second : first;
      const fields = this.#with({ limitField: other });
      return { fields, change: `the endpoint refuses ${field}; sending ${other} instead` };
    }
    const fields = this.#with({ omitted: [...this.omitted, field] });
    const change = `the endpoint refuses ${field}; leaving it out, its own default applies`;
    return { fields, change };
  }

  #with(changes: Partial<FieldSettings>): RequestFields {
    const { limitField, omitted } = this;
    return new RequestFields({
      limitField: changes.limitField ?? limitField,
      omitted: changes.omitted ?? [...omitted],
      extra: this.#extra,
    });
  }

  /** Returns only a field that was sent and that the user did not set explicitly. */
  #refusedField(refusal: string): string | null {
    const sent = [...OPTIONAL_FIELDS, this.limitField].filter(
      (field) => !this.omitted.has(field) && !(field in this.#extra),
    );
    const { param, message, isUnsupported } = readRefusal(refusal);
    const named = sent.filter((field) => mentions(param ?? message, field));
    const [first] = named.sort((a, b) => placeOf(message, a) - placeOf(message, b));
    if (first === undefined) return null;
    return isUnsupported || !WRONG_VALUE.test(message) ? first : null;
  }
}

function mentions(text: string, field: string): boolean {
  return placeOf(text, field) < Infinity;
}

function placeOf(text: string, field: string): number {
  const at = text.search(new RegExp(`(?<![\\w])${field}(?![\\w])`));
  return at < 0 ? Infinity : at;
}

/** Parses OpenAI's structured errors; other servers' texts are used as a whole. */
function readRefusal(text: string): {
  param: string | null;
  message: string;
  isUnsupported: boolean;
} {
  try {
    const { error } = JSON.parse(text) as {
      error?: { param?: unknown; message?: unknown; code?: unknown };
    };
    const param = typeof error?.param === "string" && error.param !== "" ? error.param : null;
    const message = typeof error?.message === "string" ? error.message : text;
    const code = typeof error?.code === "string" ? error.code : "";
    return { param, message, isUnsupported: /^unsupported_|^unknown_param/.test(code) };
  } catch {
    return { param: null, message: text, isUnsupported: false };
  }
}
