import { type SampleRequest, STOP_STRING_LIMITS } from "@gumshoe/engine";
import { z } from "zod";

import { WrongFieldError } from "../errors.js";

/** Answers of one request. */
export const MAX_ANSWERS = 128;
/** Below this, dividing the logits leaves the range of float32. */
const LEAST_TEMPERATURE = 0.01;
const MOST_TEMPERATURE = 100;

/** Alternatives to a token: OpenAI's limit for chat. */
const MAX_ALTERNATIVES = 20;

export const wholeNumber = (low: number, high: number) => {
  const message = `must be a whole number from ${low} to ${high}`;
  return z.int(message).min(low, message).max(high, message);
};

/** A number of alternatives to each token. */
export const alternatives = wholeNumber(0, MAX_ALTERNATIVES).optional();

const stop = z
  .string("must be a text, or a list of texts")
  .min(1, "must not be empty")
  .max(STOP_STRING_LIMITS.length, `must have at most ${STOP_STRING_LIMITS.length} characters`);

/** Fields of both kinds of requests. */
export const samplingFields = {
  model: z.string("must be a text").optional(),
  n: wholeNumber(1, MAX_ANSWERS).default(1),
  temperature: z
    .number("must be a number")
    .max(MOST_TEMPERATURE, `must be at most ${MOST_TEMPERATURE}`)
    .refine((value) => value === 0 || value >= LEAST_TEMPERATURE, {
      message: `must be 0, for the most likely token, or at least ${LEAST_TEMPERATURE}`,
    })
    .default(1),
  top_p: z
    .number("must be a number")
    .gt(0, "must be above 0")
    .max(1, "must be at most 1")
    .default(1),
  top_k: z
    .int("must be a whole number")
    .min(-1, "must be 1 or more; 0 or -1 keeps all tokens")
    .max(10_000_000, "must be at most 10000000")
    .transform((value) => (value <= 0 ? null : value))
    .default(null),
  min_p: z
    .number("must be a number")
    .min(0, "must be 0 or more")
    .max(1, "must be at most 1")
    .default(0),
  min_tokens: wholeNumber(0, 1_000_000).default(0),
  max_tokens: wholeNumber(1, 1_000_000).optional(),
  seed: wholeNumber(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER).optional(),
  stop: z
    .union([
      stop.transform((text) => [text]),
      z
        .array(stop)
        .max(STOP_STRING_LIMITS.count, `must be at most ${STOP_STRING_LIMITS.count} texts`),
    ])
    .default([]),
  stream: z.boolean("must be true or false").default(false),
  stream_options: z
    .strictObject(
      {
        include_usage: z.boolean().default(false),
        include_obfuscation: z.literal(false, "is not supported").optional(),
      },
      "takes include_usage only",
    )
    .optional(),
  return_token_ids: z.boolean("must be true or false").default(false),
};

type SamplingFields = z.output<z.ZodObject<typeof samplingFields>>;

/** How answers are sampled, and written. */
export interface Sampling {
  readonly n: number;
  readonly temperature: number;
  /** The tokens that are sampled from; see `TokenDistribution` of the engine. */
  readonly topP: number;
  readonly topK: number | null;
  readonly minP: number;
  /** First tokens that cannot end the answer. */
  readonly minNewTokens: number;
  /** Null: as many as the server and the model's positions allow. */
  readonly maxTokens: number | null;
  /** Field that set it. */
  readonly maxTokensField: string;
  /** Null: drawn for this request. */
  readonly seed: number | null;
  readonly stops: readonly string[];
  readonly isStreamed: boolean;
  /** Whether a stream ends with the number of tokens. */
  readonly includesUsage: boolean;
  readonly returnsTokenIds: boolean;
  /** How many alternatives are written beside the log-prob of each token; null if no log-probs are. */
  readonly logprobs: number | null;
  /** Whether an answer begins with its prompt. */
  readonly echoes: boolean;
}

/** Reads the common fields. @throws WrongFieldError */
export function toSampling(
  fields: SamplingFields,
  own: {
    readonly maxTokens: { readonly value: number | null; readonly field: string };
    readonly logprobs: number | null;
    readonly echoes: boolean;
  },
): Sampling {
  const { maxTokens, logprobs, echoes } = own;
  if (fields.stream_options !== undefined && !fields.stream) {
    throw new WrongFieldError("stream_options", "is for streams only: set stream to true");
  }
  return {
    n: fields.n,
    temperature: fields.temperature,
    topP: fields.top_p,
    topK: fields.top_k,
    minP: fields.min_p,
    minNewTokens: fields.min_tokens,
    maxTokens: maxTokens.value,
    maxTokensField: maxTokens.field,
    seed: fields.seed ?? null,
    stops: fields.stop,
    isStreamed: fields.stream,
    includesUsage: fields.stream_options?.include_usage ?? false,
    returnsTokenIds: fields.return_token_ids,
    logprobs,
    echoes,
  };
}

/**
 * Returns the key of an answer's random numbers: the seed alone. The same prompt with the same seed has the same answers,
 * whatever else is in the batch and on whichever device.
 */
export function randomKey(seed: number): SampleRequest["seed"] {
  return [seed];
}
