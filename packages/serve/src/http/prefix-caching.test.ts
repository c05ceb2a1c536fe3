/** Prompts with a common prefix, over HTTP. */
import type { ModelServer, SamplerThread } from "@gumshoe/serve";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";

import { KEY, loadRookie, makeServer, MODEL_NAME } from "../../../../test/support/rookie-server.js";

let thread: SamplerThread;
let server: ModelServer;
let client: OpenAI;

beforeAll(async () => {
  const loaded = await loadRookie();
  thread = loaded.thread;
  server = makeServer(loaded.model);
  const baseURL = `http://${await server.listen("127.0.0.1:0")}/v1`;
  client = new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0 });
});
afterAll(async () => {
  await server.stop(0);
  await thread.stop();
});

test("a prompt that begins like an earlier one is not read again there, and answered the same", async () => {
  const story = Array.from({ length: 12 }, (_, i) => `Clue ${i}: the Rope was in the Study.`);
  const chat = (question: string) =>
    client.chat.completions.create({
      model: MODEL_NAME,
      messages: [{ role: "user", content: [...story, question].join("\n") }],
      seed: 7,
      max_tokens: 20,
      logprobs: true,
    });
  const first = await chat("Where was the Rope?");
  const again = await chat("Where was the Rope?");
  const other = await chat("Who was in the Study?");
  const cached = [first, again, other].map((answer) => {
    const { prompt_tokens: all = 0, prompt_tokens_details: details } = answer.usage ?? {};
    return { all, cached: details?.cached_tokens ?? -1 };
  });
  expect(cached[0]?.cached).toBe(0);
  expect(cached[1]?.cached).toBe(16 * Math.floor(((cached[1]?.all ?? 0) - 1) / 16));
  expect(cached[2]?.cached).toBeGreaterThan(100);
  expect(cached[2]?.cached).toBeLessThanOrEqual(cached[1]?.cached ?? 0);
  expect(again.choices).toEqual(first.choices);
});
