import { type SamplingOptions } from "./answer-source.js";

/** Fields that an endpoint may refuse, and that are then sent otherwise or left out. */
const OPTIONAL_FIELDS = ["temperature", "seed"] as const;
/** Names of the length limit; where an endpoint refuses one, it is sent under the other. */
const LIMIT_FIELDS = ["max_tokens", "max_completion_tokens"] as const;

/** Words by which a value is refused, and not the field as such. */
const WRONG_VALUE =
  /too (large|long|high|big|small)|context (length|window)|maximum context|at (least|most)|(less|greater|more|lower|higher) than|exceed|out of range|between|in the range|within|minimum|positive/i;

/** What is sent beside model and prompt, as the user wants it. */
export interface FieldSettings {
  /** Name of the length limit. */
  readonly limitField: string;
  /** Fields that are left out. */
  readonly omitted: readonly string[];
  /** Further fields, which win over the others. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** Shapes the body of requests, and learns which fields an endpoint refuses. */
export class RequestFields {
  readonly limitField: string;
  readonly omitted: ReadonlySet<string>;
  readonly #extra: Readonly<Record<string, unknown>>;

  constructor(settings: FieldSettings) {
    this.limitField = settings.limitField;
    this.omitted = new Set(settings.omitted);
    this.#extra = settings.extra;
  }

  /** Makes the body of one request. */
  body(prompt: string, options: SamplingOptions, model: string | null): Record<string, unknown> {
    const all: Record<string, unknown> = {
      messages: [{ role: "user", content: prompt }],
      temperature: options.temperature,
      [this.limitField]: options.maxAnswerTokens,
      seed: options.seed,
    };
    if (model !== null) all["model"] = model;
    for (const field of this.omitted) delete all[field];
    return { ...all, ...this.#extra };
  }

  /**
   * Finds out which field a refusal may be about, and how to ask without it. Whether it was is known
   * when that is answered.
   *
   * @returns  the fields to ask with next, and what changes; null where the refusal is about none, or
   *           about one that must be sent
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

  /** Only a field that was sent, and that the user did not ask for by name. */
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

/** Reads what OpenAI's errors say apart; other servers' texts are taken as a whole. */
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
