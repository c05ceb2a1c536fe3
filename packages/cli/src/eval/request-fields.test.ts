import { expect, test } from "vitest";

import { RequestFields } from "./request-fields.js";

const SAMPLING = { samples: 1, temperature: 0.7, maxAnswerTokens: 64, seed: 3 };
const fields = new RequestFields({ limitField: "max_tokens", omitted: [], extra: {} });

const openai = (message: string, param: string | null = null, code: string | null = null) =>
  JSON.stringify({ error: { message, param, code, type: "invalid_request_error" } });

test.each([
  [
    openai(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      "max_tokens",
      "unsupported_parameter",
    ),
    "max_tokens",
  ],
  [
    openai(
      "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.",
      "temperature",
      "unsupported_value",
    ),
    "temperature",
  ],
  [openai("Unrecognized request argument supplied: seed"), "seed"],
  [openai("Unknown field seed. Known are temperature, max_tokens"), "seed"],
  [
    '{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted"}]}',
    "seed",
  ],
  ["seed is not a valid parameter", "seed"],
  ["temperature must be left out", "temperature"],
  ["max_tokens is no longer taken, please send max_completion_tokens", "max_tokens"],
  ["`temperature` is deprecated for this model.", "temperature"],
  ["max_tokens is not for this model; give max_completion_tokens", "max_tokens"],
])("%s refers to a field", (refusal, field) => {
  expect(fields.without(refusal)?.change).toContain(`refuses ${field};`);
});

test.each([
  openai(
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4744 in the messages, 256 in the completion).",
  ),
  openai(
    "max_tokens is too large: 100000. This model supports at most 16384 completion tokens.",
    "max_tokens",
    "invalid_value",
  ),
  openai("Invalid 'temperature': must be between 0 and 1", "temperature"),
  "max_tokens must be at least 1, got -12",
  openai("Unsupported parameter: 'top_p'", "top_p", "unsupported_parameter"),
  "too long",
  "",
])("%s refers to no field", (refusal) => {
  expect(fields.without(refusal)).toBeNull();
});

const PROMPT = [{ role: "user" as const, content: "p" }];

test("the length limit is never omitted, and neither is a field that the user set", () => {
  const other = fields.without("max_tokens is not supported")?.fields;
  expect(other?.body(PROMPT, SAMPLING, null)).toEqual({
    messages: PROMPT,
    temperature: 0.7,
    max_completion_tokens: 64,
    seed: 3,
  });
  const asked = new RequestFields({ limitField: "max_tokens", omitted: [], extra: { seed: 9 } });
  expect(asked.without("seed is not supported")).toBeNull();
});

test("fields are named, omitted and added as the user requests", () => {
  const own = new RequestFields({
    limitField: "max_new_tokens",
    omitted: ["temperature", "seed"],
    extra: { top_p: 0.9, chat_template_kwargs: { enable_thinking: false } },
  });
  expect(own.body(PROMPT, SAMPLING, "m")).toEqual({
    messages: PROMPT,
    model: "m",
    max_new_tokens: 64,
    top_p: 0.9,
    chat_template_kwargs: { enable_thinking: false },
  });
});
