import { z } from "zod";

import { WrongFieldError } from "../errors.js";
import { UNSUPPORTED_IN_COMPLETIONS } from "./not-supported.js";
import { readFields } from "./read-fields.js";
import {
  alternatives,
  MAX_ANSWERS,
  type Sampling,
  samplingFields,
  toSampling,
  wholeNumber,
} from "./sampling-fields.js";

/** Prompts of one request. */
const MAX_PROMPTS = 128;
/** Tokens of an answer if the request does not say: OpenAI's default. */
const DEFAULT_MAX_TOKENS = 16;

const FORMS = "must be a text, a list of token ids, or a list of either";
const ids = z.array(z.int().min(0)).min(1);

const schema = z.object({
  ...samplingFields,
  prompt: z.union(
    [
      z.string().transform((text) => [text]),
      ids.transform((one) => [one]),
      z.array(z.string()).min(1).max(MAX_PROMPTS),
      z.array(ids).min(1).max(MAX_PROMPTS),
    ],
    `${FORMS}, with at most ${MAX_PROMPTS} prompts`,
  ),
  max_tokens: wholeNumber(0, 1_000_000).default(DEFAULT_MAX_TOKENS),
  logprobs: alternatives,
  echo: z.boolean("must be true or false").default(false),
});

/** A request for the continuations of some prompts. */
export interface CompletionRequest {
  readonly model: string | null;
  /** Texts, or token ids; at least one. */
  readonly prompts: readonly (string | readonly number[])[];
  readonly sampling: Sampling;
}

/** Reads the body of a request. @throws WrongFieldError naming the field */
export function readCompletionRequest(body: unknown): CompletionRequest {
  const fields = readFields(schema, UNSUPPORTED_IN_COMPLETIONS, body);
  const numAnswers = fields.prompt.length * fields.n;
  if (numAnswers > MAX_ANSWERS) {
    const problem = `asks for ${numAnswers} answers in all; a request may have ${MAX_ANSWERS}`;
    throw new WrongFieldError("n", problem);
  }
  if (fields.max_tokens === 0 && !fields.echo) {
    throw new WrongFieldError("max_tokens", "is 0, which leaves no answer: set echo to true");
  }
  return {
    model: fields.model ?? null,
    prompts: fields.prompt,
    sampling: toSampling(fields, {
      maxTokens: { value: fields.max_tokens, field: "max_tokens" },
      logprobs: fields.logprobs ?? null,
      echoes: fields.echo,
    }),
  };
}
