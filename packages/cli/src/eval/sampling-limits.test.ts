import { Command } from "commander";
import { expect, test } from "vitest";

import {
  type LimitOptions,
  limitFields,
  samplingLimits,
  withLimitOptions,
} from "./sampling-limits.js";

function parse(...words: string[]): LimitOptions {
  const quiet = { writeErr: () => undefined };
  const command = withLimitOptions(new Command().exitOverride().configureOutput(quiet));
  return command.parse(words, { from: "user" }).opts();
}

test("no option is no restriction, and no field of a request", () => {
  expect(samplingLimits(parse(), 64)).toEqual({});
  expect(limitFields({})).toEqual({});
});

test("options are restrictions of the sampler, and fields of a request with vLLM's names", () => {
  const words = ["--top-k", "40", "--top-p", "0.9", "--min-p", "0", "--min-tokens", "3"];
  const limits = samplingLimits(parse(...words, "--stop", "\n\n", "--stop", "END"), 64);
  const stopStrings = ["\n\n", "END"];
  expect(limits).toEqual({ topK: 40, topP: 0.9, minP: 0, minNewTokens: 3, stopStrings });
  expect(limitFields(limits)).toEqual({
    top_k: 40,
    top_p: 0.9,
    min_p: 0,
    min_tokens: 3,
    stop: stopStrings,
  });
});

test.each([
  [
    ["--top-p", "0"],
    "'--top-p <p>' argument '0' is invalid. It must be a number above 0, up to 1.",
  ],
  [["--top-p", "1.5"], "'--top-p <p>' argument '1.5' is invalid"],
  [["--top-p", ""], "'--top-p <p>' argument '' is invalid"],
  [["--top-k", "-1"], "'--top-k <k>' argument '-1' is invalid"],
  [["--min-p", "2"], "'--min-p <p>' argument '2' is invalid. It must be a number from 0 to 1."],
  [["--stop", ""], "'--stop <text>' argument '' is invalid. It must have 1 to 200 characters."],
])("%j is refused with the option", (words, problem) => {
  expect(() => parse(...words)).toThrow(problem);
});

test("a minimum above the length limit, and too many stop strings, are refused with the option", () => {
  expect(() => samplingLimits({ minTokens: 65 }, 64)).toThrow(
    "--min-tokens: is 65, above --max-tokens 64",
  );
  const stop = Array.from({ length: 17 }, () => "a");
  expect(() => samplingLimits({ stop }, 64)).toThrow("--stop: is given 17 times, at most 16");
});
