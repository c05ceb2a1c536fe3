import { z } from "zod";

import { count } from "./fields.js";

/** Greatest number and length of stop strings: each is searched in every answer, token by token. */
const MAX_STOP_STRINGS = 16;
const MAX_STOP_CHARACTERS = 200;

const StopString = z
  .string()
  .min(1)
  .max(MAX_STOP_CHARACTERS)
  .refine((text) => !/[\p{Surrogate}\ufffd]/u.test(text), "must not have half a character");

/**
 * Restrictions of sampling. They have no defaults, so that the config of a run without them, and its digest, do not
 * have them either.
 */
export const SAMPLING_FIELDS = {
  topK: count(1, 10_000_000)
    .optional()
    .describe("samples among this many of the most likely tokens; left out for all"),
  topP: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe(
      "samples among the fewest tokens whose probabilities reach this sum; left out for all",
    ),
  minP: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      "samples among tokens with at least this share of the greatest probability; left out for all",
    ),
  minAnswerTokens: count(0, 131_072)
    .optional()
    .describe("first tokens of an answer that cannot end it; left out for none"),
  stop: z
    .array(StopString)
    .min(1)
    .max(MAX_STOP_STRINGS)
    .optional()
    .describe("texts that end an answer when it contains one of them; left out for none"),
};
