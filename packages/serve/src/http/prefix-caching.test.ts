/** Prompts that begin alike, over HTTP. */
import { createLogger, systemClock } from "@gumshoe/core";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";

import { ROOKIE } from "../../../../test/support/rookie.js";
import { ModelServer, SamplerThread, SERVER_LIMITS, ServedModel } from "../../dist/index.js";

const MODEL = "rookie";

let thread: SamplerThread;
let server: ModelServer;
let client: OpenAI;

beforeAll(async () => {
  const device = { type: "cpu" } as const;
  const data = { device, threads: 1, environment: {}, kvCacheTokens: null };
  thread = new SamplerThread(data, () => undefined);
  const model = await ServedModel.load([thread], { folder: ROOKIE, adapter: null }, "the rookie");
  server = new ModelServer({
    name: MODEL,
    model,
    key: "the-key",
    tls: null,
    limits: SERVER_LIMITS,
    chat: {},
    clock: systemClock,
    logger: createLogger("test", "silent"),
  });
  const baseURL = `http://${await server.listen("127.0.0.1:0")}/v1`;
  client = new OpenAI({ baseURL, apiKey: "the-key", maxRetries: 0 });
});
afterAll(async () => {
  await server.stop(0);
  await thread.stop();
});

test("a prompt that begins like an earlier one is not read again there, and answered the same", async () => {
  const story = Array.from({ length: 12 }, (_, i) => `Clue ${i}: the Rope was in the Study.`);
  const chat = (question: string) =>
    client.chat.completions.create({
      model: MODEL,
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
