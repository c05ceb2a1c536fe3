import { InvalidArgumentError } from "@gumshoe/core";
import { type SamplingOptions as SamplingLimits, STOP_STRING_LIMITS } from "@gumshoe/engine";
import { type Command, InvalidArgumentError as InvalidOptionError } from "commander";

import { wholeNumber } from "../commands/options.js";

export { type SamplingLimits };

/** The options that restrict sampling; each is left out for no restriction. */
export interface LimitOptions {
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly minTokens?: number;
  readonly stop?: readonly string[];
}

/** Adds the options that restrict sampling. */
export function withLimitOptions(command: Command): Command {
  return command
    .option("--top-k <k>", "samples among the k most likely tokens", wholeNumber(1))
    .option(
      "--top-p <p>",
      "samples among the fewest tokens that reach this probability",
      share(false),
    )
    .option(
      "--min-p <p>",
      "samples among tokens with this share of the greatest probability",
      share(true),
    )
    .option("--min-tokens <n>", "first tokens of an answer that cannot end it", wholeNumber(1))
    .option(
      "--stop <text>",
      "ends an answer that contains this text; may be repeated",
      (text: string, before: readonly string[] = []) => [...before, readStop(text)],
    );
}

/** @throws InvalidArgumentError */
export function samplingLimits(
  { topK, topP, minP, minTokens, stop }: LimitOptions,
  maxAnswerTokens: number,
): SamplingLimits {
  if (minTokens !== undefined && minTokens > maxAnswerTokens) {
    const problem = `is ${minTokens}, above --max-tokens ${maxAnswerTokens}`;
    throw new InvalidArgumentError("--min-tokens", problem);
  }
  if (stop !== undefined && stop.length > STOP_STRING_LIMITS.count) {
    throw new InvalidArgumentError(
      "--stop",
      `is given ${stop.length} times, at most ${STOP_STRING_LIMITS.count}`,
    );
  }
  return {
    ...(topK === undefined ? {} : { topK }),
    ...(topP === undefined ? {} : { topP }),
    ...(minP === undefined ? {} : { minP }),
    ...(minTokens === undefined ? {} : { minNewTokens: minTokens }),
    ...(stop === undefined ? {} : { stopStrings: stop }),
  };
}

/** Returns the fields of a request that say the same to an endpoint, with vLLM's names. */
export function limitFields(limits: SamplingLimits): Record<string, unknown> {
  const { topK, topP, minP, minNewTokens, stopStrings } = limits;
  const fields = {
    top_k: topK,
    top_p: topP,
    min_p: minP,
    min_tokens: minNewTokens,
    stop: stopStrings,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function share(withZero: boolean): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? NaN : Number(text);
    if (value <= 1 && (withZero ? value >= 0 : value > 0)) return value;
    throw new InvalidOptionError(
      `It must be a number ${withZero ? "from 0" : "above 0, up"} to 1.`,
    );
  };
}

function readStop(text: string): string {
  if (text.length >= 1 && text.length <= STOP_STRING_LIMITS.length) return text;
  throw new InvalidOptionError(`It must have 1 to ${STOP_STRING_LIMITS.length} characters.`);
}
