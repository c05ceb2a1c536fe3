import { WrongFieldError } from "../errors.js";
import type { Sampling } from "./sampling-fields.js";

/** Alternatives that one response may have: about 50 MB of JSON. */
const MAX_ALTERNATIVES_IN_ALL = 1_000_000;

/**
 * Checks that a response does not become too large by alternatives to tokens.
 *
 * @param prompts  how many tokens each has, and its answers may have
 * @param field    that asks for alternatives
 * @throws         WrongFieldError
 */
export function checkAlternatives(
  prompts: readonly { readonly ids: readonly number[]; readonly maxNewTokens: number }[],
  { logprobs, echoes, n }: Sampling,
  field: string,
): void {
  if (logprobs === null || logprobs === 0) return;
  const numTokens = prompts.reduce(
    (sum, { ids, maxNewTokens }) => sum + n * (maxNewTokens + (echoes ? ids.length : 0)),
    0,
  );
  if (numTokens * logprobs <= MAX_ALTERNATIVES_IN_ALL) return;
  const problem =
    `asks for ${logprobs} alternatives to each of up to ${numTokens} tokens; ` +
    `a request may have ${MAX_ALTERNATIVES_IN_ALL} in all: ask for fewer, or for fewer tokens`;
  throw new WrongFieldError(field, problem);
}
