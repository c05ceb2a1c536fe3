import { Tokenizer } from "@gumshoe/engine";
import { beforeAll, expect, test } from "vitest";

import { ROOKIE } from "../../../../test/support/rookie.js";
import { CompletionFormat } from "./completion-format.js";
import { TokenTexts } from "./token-texts.js";

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await Tokenizer.load(ROOKIE);
});

/** Writes the log-probs of an answer of one token, with alternatives to it. */
function write(token: number, alternatives: readonly number[]): unknown {
  const format = new CompletionFormat(
    { texts: new TokenTexts(tokenizer) },
    { logprobs: alternatives.length, promptIds: null },
  );
  const placed = {
    token,
    logprob: -9,
    offset: 0,
    alternatives: alternatives.map((id, i) => ({ token: id, logprob: id === token ? -9 : -i })),
  };
  const choice = format.choice(0, { text: "", tokens: [placed] }, "stop");
  return (choice as { logprobs: { top_logprobs: unknown } }).logprobs.top_logprobs;
}

test("alternatives are log-probs by text, with the token itself added if it is not among them", () => {
  const [a = 0, b = 0, c = 0] = ["A", "B", "C"].map((text) => tokenizer.encode(text)[0]);
  expect(write(a, [b, c])).toEqual([{ B: -0, C: -1, A: -9 }]);
  expect(write(c, [b, c])).toEqual([{ B: -0, C: -9 }]);
});

test("alternatives with the same text are told apart by their ids", () => {
  const bytes = tokenizer.encode("\u{1f600}");
  const [first = 0, second = 0, third = 0] = bytes;
  expect(new Set([first, second, third]).size).toBe(3);
  expect(write(third, [second, first])).toEqual([
    { "\ufffd": -0, [`token_id:${first}`]: -1, [`token_id:${third}`]: -9 },
  ]);
});

test("a token that nothing predicts has no alternatives", () => {
  const format = new CompletionFormat(
    { texts: new TokenTexts(tokenizer) },
    { logprobs: 1, promptIds: null },
  );
  const token = { token: 5, logprob: null, offset: 0, alternatives: [] };
  expect(format.chunk(0, { text: "", tokens: [token] }, null)).toMatchObject({
    logprobs: { token_logprobs: [null], top_logprobs: [null] },
  });
});
