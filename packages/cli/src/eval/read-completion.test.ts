import { expect, test } from "vitest";

import { readCompletion } from "./read-completion.js";
import { retryAfterMs } from "./retry-after.js";

const USAGE = { prompt_tokens: 10, completion_tokens: 4 };

function read(message: unknown, finish_reason: string | null = "stop", usage: unknown = USAGE) {
  return readCompletion(JSON.stringify({ choices: [{ message, finish_reason }], usage }));
}

const ANSWERS: Record<string, { message: unknown; finish: string; reply?: string; as?: string }> = {
  "a cut thought": { message: { content: null, reasoning_content: "so" }, finish: "length" },
  "an empty cut": { message: { content: "", reasoning: "so" }, finish: "length" },
  "a cut without content": { message: { reasoning_content: "so" }, finish: "length" },
  "a cut answer": { message: { content: "A. Mr" }, finish: "length", reply: "A. Mr" },
  "another word for a cut": { message: { content: "A. Mr" }, finish: "max_tokens", reply: "A. Mr" },
  "a list of parts": {
    message: {
      content: [
        { type: "text", text: "A. " },
        { type: "text", text: "B" },
      ],
    },
    finish: "stop",
    reply: "A. B",
  },
  "a list with thoughts": {
    message: {
      content: [
        { type: "thinking", text: "x" },
        { type: "text", text: "y" },
      ],
    },
    finish: "stop",
    reply: "y",
  },
  "a refusal": {
    message: { content: null, refusal: "I cannot" },
    finish: "stop",
    reply: "I cannot",
    as: "refusal",
  },
  "no refusal": { message: { content: "A. B", refusal: null }, finish: "stop", reply: "A. B" },
  "no text at all": { message: { content: null }, finish: "stop" },
  "a call of a tool": { message: { content: null, tool_calls: [{}] }, finish: "tool_calls" },
};

test.each(Object.entries(ANSWERS))("%s is an answer", (_, { message, finish, reply, as }) => {
  const isCut = finish === "length" || finish === "max_tokens";
  expect(read(message, finish)).toEqual({
    type: "completion",
    outcome: { type: "answer", reply: reply ?? "", finish: as ?? (isCut ? "length" : "stop") },
    tokens: { prompt: 10, answer: 4 },
  });
});

test("an answer removed by a content filter, or missing, is charged but cannot be scored", () => {
  for (const content of [null, "", "A. Mr"]) {
    expect(read({ content }, "content_filter")).toMatchObject({
      outcome: { type: "failure", reason: "the endpoint's content filter took it", isPaid: true },
      tokens: { prompt: 10, answer: 4 },
    });
  }
  expect(read({ role: "assistant" }, null)).toMatchObject({
    outcome: { type: "failure", reason: "the endpoint sent no answer" },
  });
});

test("token counts are the endpoint's, reasoning included, or unknown", () => {
  const tokens = (usage: unknown) => {
    const choices = [{ message: { content: "A" }, finish_reason: "stop" }];
    const found = readCompletion(JSON.stringify({ choices, usage }));
    return found.type === "completion" ? found.tokens : "none";
  };
  const details = { completion_tokens_details: { reasoning_tokens: 30 } };
  expect(tokens({ ...USAGE, completion_tokens: 40, ...details })).toEqual({
    prompt: 10,
    answer: 40,
  });
  // Here the reasoning is counted in the total only.
  expect(tokens({ ...USAGE, total_tokens: 44, ...details })).toEqual({ prompt: 10, answer: 34 });
  for (const usage of [
    undefined,
    null,
    {},
    { prompt_tokens: 10 },
    { ...USAGE, completion_tokens: null },
  ]) {
    expect(tokens(usage)).toBeNull();
  }
});

test("a very long number as the requested wait is parsed in linear time", () => {
  const begun = performance.now();
  expect(retryAfterMs({ "x-ratelimit-reset": `${"9".repeat(100_000)}x` }, 0)).toBeNull();
  expect(retryAfterMs({ "x-ratelimit-reset": "1m2.5s" }, 0)).toBe(62_500);
  // Linear takes a millisecond; a quadratic regular expression took five seconds.
  expect(performance.now() - begun).toBeLessThan(500);
});

test.each([
  ["", "sent an empty reply", true],
  ['{"choices": [', "sent a reply that is cut", true],
  ["<!doctype html><p>Hello", "sent HTML instead of a completion", false],
  ["ok", "sent something that is no JSON", false],
  ["{}", "sent no choices", false],
  ['{"choices": []}', "sent no choices", false],
  ['{"choices": [{"finish_reason": "stop"}]}', "sent no message", false],
  ['{"error": "overloaded"}', "sent an error in a reply with status 200", true],
  ['{"choices": [{"error": {"message": "upstream"}}]}', "upstream", true],
  [`{"error": ${"[".repeat(20_000)}${"]".repeat(20_000)}}`, "[[[[[", true],
  [`{"error": {"message": "x", "code": ${"[".repeat(20_000)}${"]".repeat(20_000)}}}`, "x", true],
])("%j is no completion", (text, reason, mayPass) => {
  const found = readCompletion(text);
  expect(found).toMatchObject({ type: "problem", mayPass });
  expect(found.type === "problem" ? found.reason : "").toContain(reason);
});

test.each([
  ['[{"error": {"code": 503, "message": "busy"}}]', "busy", 503],
  ['{"object": "error", "message": "boom", "code": 500}', "boom", 500],
  ['{"object": "error", "message": "boom", "type": "BadRequestError"}', "boom", null],
  ['{"detail": "Internal error"}', "Internal error", null],
  ['{"success": false, "errors": [{"code": 10000, "message": "broken"}]}', "broken", null],
  ['{"error": {"code": "invalid_api_key", "message": "no"}}', "no", 401],
  ['{"error": {"type": "insufficient_quota", "message": "no"}}', "no", 402],
  ['{"error": {"type": "invalid_request_error", "code": null, "message": "no"}}', "no", 400],
  ['{"error": {"type": "overloaded_error", "message": "no"}}', "no", 503],
])("%j is an error with its status", (text, reason, status) => {
  const found = readCompletion(text);
  expect(found).toMatchObject({ type: "problem", mayPass: true, status });
  expect(found.type === "problem" ? found.reason : "").toContain(`with status 200: ${reason}`);
});

test("a byte order mark before the JSON is ignored, and the first of several choices is used", () => {
  const choices = [
    { index: 1, message: { content: "B" }, finish_reason: "stop" },
    { index: 0, message: { content: "A" }, finish_reason: "stop" },
  ];
  expect(readCompletion(`\ufeff${JSON.stringify({ choices })}`)).toMatchObject({
    outcome: { reply: "A" },
  });
});
