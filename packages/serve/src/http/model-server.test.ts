/** The server over HTTP, with the official client and the small model. */
import { type ModelServer, type SamplerThread, ServedModel } from "@gumshoe/serve";
import OpenAI, { APIError, AuthenticationError, RateLimitError } from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { ROOKIE } from "../../../../test/support/rookie.js";
import {
  KEY,
  loadRookie,
  makeServer,
  type ServerChanges,
} from "../../../../test/support/rookie-server.js";

/** Answers that do not end early, so that they are still open at the next request. */
const LONG: object = { min_tokens: 400, max_tokens: 400 };
const MESSAGES = [{ role: "user" as const, content: "Who was in the library?" }];

let thread: SamplerThread;
let model: ServedModel;
let shared: ModelServer;
let url: string;
let client: OpenAI;

beforeAll(async () => {
  ({ thread, model } = await loadRookie());
  shared = makeServer(model);
  url = `http://${await shared.listen("127.0.0.1:0")}`;
  client = connect(url);
});
afterAll(async () => {
  await shared.stop(0);
  await thread.stop();
});

const servers: ModelServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop(0))));

/** Starts a server with other options; returns its URL. */
async function start(changes: ServerChanges): Promise<{ server: ModelServer; url: string }> {
  const server = makeServer(model, changes);
  servers.push(server);
  return { server, url: `http://${await server.listen("127.0.0.1:0")}` };
}

function connect(base: string, apiKey = KEY): OpenAI {
  return new OpenAI({ baseURL: `${base}/v1`, apiKey, maxRetries: 0 });
}

/** Sends a body as it is. */
function post(
  path: string,
  body: unknown,
  more: { url?: string; headers?: Record<string, string> } = {},
) {
  return fetch(`${more.url ?? url}${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${KEY}`,
      "content-type": "application/json",
      ...more.headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const ask = (more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}) =>
  client.chat.completions.create({
    model: "rookie",
    messages: MESSAGES,
    seed: 7,
    max_tokens: 40,
    ...more,
  });

/** Waits until a condition holds, which it does soon. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("answers", () => {
  test("a stream says what the whole answer says, token by token, with the same usage", async () => {
    const whole = await ask({ n: 3, logprobs: true });
    const stream = await client.chat.completions.create({
      model: "rookie",
      messages: MESSAGES,
      seed: 7,
      max_tokens: 40,
      n: 3,
      logprobs: true,
      stream: true,
      stream_options: { include_usage: true },
    });
    const texts = ["", "", ""];
    const logprobs: number[][] = [[], [], []];
    const finishes: (string | null)[] = [null, null, null];
    let usage: unknown = null;
    let numChunks = 0;
    for await (const chunk of stream) {
      numChunks += 1;
      usage = chunk.usage ?? usage;
      for (const { index, delta, finish_reason: finish, logprobs: given } of chunk.choices) {
        texts[index] += delta.content ?? "";
        logprobs[index]?.push(...(given?.content ?? []).map(({ logprob }) => logprob));
        finishes[index] = finish ?? finishes[index] ?? null;
      }
    }
    expect(texts).toEqual(whole.choices.map(({ message }) => message.content));
    expect(finishes).toEqual(whole.choices.map((choice) => choice.finish_reason));
    const content = whole.choices.map((choice) => choice.logprobs?.content ?? []);
    expect(logprobs).toEqual(content.map((tokens) => tokens.map(({ logprob }) => logprob)));
    expect(usage).toEqual(whole.usage);
    expect(whole.usage?.completion_tokens).toBe(content.flat().length);
    expect(numChunks).toBeGreaterThan(20);
  });

  test("a seed gives the same answers whatever else is in the batch, and another seed others", async () => {
    const alone = await ask({ n: 2 });
    const crowd = Array.from({ length: 12 }, (_, seed) => ask({ seed, temperature: 1.3 }));
    const again = await ask({ n: 2 });
    const others = await Promise.all(crowd);
    const texts = (answer: OpenAI.ChatCompletion) => answer.choices.map((one) => one.message);
    expect(texts(again)).toEqual(texts(alone));
    expect(again.system_fingerprint).toBe(alone.system_fingerprint);
    expect(new Set(others.map((one) => one.choices[0]?.message.content)).size).toBeGreaterThan(6);
    const fresh = await Promise.all([1, 2, 3].map(() => ask({ seed: null })));
    expect(new Set(fresh.map((one) => one.choices[0]?.message.content)).size).toBe(3);
  });

  test("texts and token ids are prompts of completions, several at a time", async () => {
    const text = "A. Mr. Green";
    const ids = model.tokenizer.encode(text);
    const create = (prompt: string[] | number[][]) =>
      client.completions.create({ model: "rookie", prompt, n: 2, seed: 3, logprobs: 0 });
    const [a, b] = [await create([text, "B."]), await create([ids, model.tokenizer.encode("B.")])];
    expect(a.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(b.choices).toEqual(a.choices);
    for (const choice of a.choices) {
      const { tokens = [], text_offset: offsets = [] } = choice.logprobs ?? {};
      const written = tokens.filter((token) => token !== "<|end|>");
      expect(written.join("")).toBe(choice.text);
      expect(offsets.slice(0, 2)).toEqual([0, tokens[0]?.length]);
    }
  });

  test("a stop string ends an answer before it, whole and streamed", async () => {
    const free = (await ask({ temperature: 0 })).choices[0]?.message.content ?? "";
    const stop = free.slice(9, 14);
    const cut = await ask({ temperature: 0, stop: [stop, "never written"] });
    const [choice] = cut.choices;
    expect(choice?.message.content).toBe(free.slice(0, free.indexOf(stop)));
    expect(choice?.finish_reason).toBe("stop");
    expect(cut.usage?.completion_tokens).toBeLessThan(40);
    let streamed = "";
    for await (const chunk of await client.chat.completions.create({
      model: "rookie",
      messages: MESSAGES,
      temperature: 0,
      stop,
      stream: true,
    })) {
      streamed += chunk.choices[0]?.delta.content ?? "";
    }
    expect(streamed).toBe(choice?.message.content);
    await until(() => thread.numOpen === 0);
  });

  test("another model answers new requests, and the one before those that it began", async () => {
    const first = await ServedModel.load([thread], { folder: ROOKIE, adapter: null }, "first");
    const { server, url: other } = await start({ model: first });
    const second = await ServedModel.load([thread], { folder: ROOKIE, adapter: null }, "second");
    const stream = await connect(other).chat.completions.create({
      model: "rookie",
      messages: MESSAGES,
      max_tokens: 300,
      stream: true,
      seed: 1,
    });
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    server.use(second);
    const models = await connect(other).models.list();
    expect(models.data[0]).toMatchObject({ id: "rookie", title: "second" });
    let last = (await chunks.next()).value as OpenAI.ChatCompletionChunk | undefined;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      last = next.value;
    }
    expect(last?.choices[0]?.finish_reason).toMatch(/stop|length/);
  });
});

describe("refusals", () => {
  const chat = { messages: MESSAGES };
  test.each<[string, object, string | null]>([
    ["a field that is not supported", { ...chat, frequency_penalty: 1 }, "frequency_penalty"],
    ["a share of nothing", { ...chat, top_p: 0 }, "top_p"],
    ["a negative number of tokens", { ...chat, top_k: -2 }, "top_k"],
    ["a minimum above the maximum", { ...chat, max_tokens: 2, min_tokens: 3 }, "min_tokens"],
    ["tools", { ...chat, tools: [{ type: "function" }] }, "tools"],
    ["an unknown field", { ...chat, temprature: 1 }, "temprature"],
    ["a wrong type", { ...chat, n: "2" }, "n"],
    ["a number outside its range", { ...chat, temperature: 1e-30 }, "temperature"],
    ["too many alternatives", { ...chat, logprobs: true, top_logprobs: 21 }, "top_logprobs"],
    ["no message", { messages: [] }, "messages"],
    [
      "an image",
      { messages: [{ role: "user", content: [{ type: "image_url" }] }] },
      "messages[0].content",
    ],
    ["a role", { messages: [{ role: "tool", content: "x" }] }, "messages[0].role"],
    ["two lengths", { ...chat, max_tokens: 1, max_completion_tokens: 2 }, "max_completion_tokens"],
    [
      "an option of streams",
      { ...chat, stream_options: { include_usage: true } },
      "stream_options",
    ],
    ["more than the positions", { ...chat, max_tokens: 1020 }, "max_tokens"],
    ["more than the server allows", { ...chat, max_tokens: 9999 }, "max_tokens"],
    ["a long prompt", { messages: [{ role: "user", content: "x ".repeat(2000) }] }, "messages"],
    ["a list as a body", [], null],
  ])("of %s name the field", async (_, body, param) => {
    const response = await post("/v1/chat/completions", body);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect([response.status, error["param"], error["type"]]).toEqual([
      400,
      param,
      "invalid_request_error",
    ]);
    expect(String(error["message"])).not.toBe("");
  });

  test("fields with values that change nothing are accepted", async () => {
    const response = await post("/v1/chat/completions", {
      ...chat,
      max_tokens: 1,
      top_p: 1,
      frequency_penalty: 0,
      logit_bias: {},
      tools: [],
      response_format: { type: "text" },
      user: "somebody",
      seed: null,
    });
    expect(response.status).toBe(200);
  });

  test.each<{ status: number; code?: string; body: unknown; path?: string; headers?: object }>([
    { status: 404, code: "model_not_found", body: { prompt: "A", model: "gpt" } },
    { status: 404, body: {}, path: "/v1/embeddings" },
    { status: 401, code: "invalid_api_key", body: {}, headers: { authorization: "Bearer no" } },
    { status: 400, body: "{" },
    { status: 400, body: { prompt: "" } },
    { status: 400, body: { prompt: [70_000] } },
    { status: 400, body: { prompt: ["A", "B"], n: 65 } },
    { status: 400, body: `{"chat_template_kwargs":${"[".repeat(50_000)}` },
    { status: 413, code: "request_too_large", body: "x".repeat(1024 * 1024 + 1) },
    {
      status: 415,
      code: "unsupported_media_type",
      body: "x",
      headers: { "content-type": "text/plain" },
    },
  ])("a status $status is in the shape of OpenAI's errors ($code)", async (wanted) => {
    const { status, code = null, body, path = "/v1/completions", headers = {} } = wanted;
    const response = await post(path, body, { headers: headers as Record<string, string> });
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect([response.status, error["code"]]).toEqual([status, code]);
    expect(response.headers.get("x-request-id")).not.toBe(null);
  });

  test("the official client throws its own errors", async () => {
    await expect(connect(url, "wrong").models.list()).rejects.toThrow(AuthenticationError);
    const error = await ask({ presence_penalty: 1 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({
      status: 400,
      param: "presence_penalty",
      code: "unsupported_value",
    });
  });

  test("a server without a key answers to this machine's names only", async () => {
    const { url: open } = await start({ key: null });
    const list = (host: string) =>
      fetch(`${open}/v1/models`, { headers: { host } }).then(({ status }) => status);
    expect((await fetch(`${open}/v1/models`)).status).toBe(200);
    // fetch sets the header itself, so that only a raw request can lie.
    const { request } = await import("node:http");
    const status = await new Promise((resolve) => {
      const sent = request(`${open}/v1/models`, { headers: { host: "evil.example" } }, (response) =>
        resolve(response.statusCode),
      );
      sent.end();
    });
    expect([await list("localhost"), status]).toEqual([200, 403]);
  });
});

describe("limits", () => {
  test("a request beyond the open ones is told to come later, before its body is read", async () => {
    const { server, url: small } = await start({ limits: { maxOpenRequests: 1 } });
    const other = connect(small);
    const stream = await other.chat.completions.create({
      model: "rookie",
      messages: MESSAGES,
      stream: true,
      ...LONG,
    });
    const refused = await other.chat.completions
      .create({ model: "rookie", messages: MESSAGES })
      .catch((error: unknown) => error as InstanceType<typeof RateLimitError>);
    expect(refused).toBeInstanceOf(RateLimitError);
    expect((refused as RateLimitError).headers?.get("retry-after")).toBe("1");
    stream.controller.abort();
    await until(() => server.numOpen === 0);
    expect((await post("/v1/completions", { prompt: "A" }, { url: small })).status).toBe(200);
  });

  test("an address may begin as many requests in a minute as the limit says", async () => {
    const { url: small } = await start({ limits: { requestsPerMinute: 2 } });
    const body = { prompt: "A", max_tokens: 1 };
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) {
      statuses.push((await post("/v1/completions", body, { url: small })).status);
    }
    expect(statuses).toEqual([200, 200, 429]);
  });

  test("a request that takes too long is cut off, and its answer leaves the batch", async () => {
    const { url: hasty } = await start({ limits: { timeoutMs: 1 } });
    const response = await post(
      "/v1/completions",
      { prompt: "A", max_tokens: 900, n: 64 },
      { url: hasty },
    );
    expect([response.status, await response.json()]).toMatchObject([
      504,
      { error: { code: "timeout" } },
    ]);
    await until(() => thread.numOpen === 0);
  });
});

describe("callers that leave", () => {
  test("free their slots, whether they read a stream, wait, or are still sending", async () => {
    const numBefore = thread.numOpen;
    const leave = async (i: number) => {
      const controller = new AbortController();
      const body = { messages: MESSAGES, max_tokens: 900, n: 4, stream: i % 2 === 0 };
      const response = fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: controller.signal,
      });
      setTimeout(() => controller.abort(), i % 30);
      await response.then((one) => one.text()).catch(() => undefined);
    };
    await Promise.all(Array.from({ length: 60 }, (_, i) => leave(i)));
    await until(() => shared.numOpen === 0 && thread.numOpen === numBefore);
    expect((await ask()).choices).toHaveLength(1);
  });

  test("a server that stops lets open answers end, and refuses new ones", async () => {
    const { server, url: ending } = await start({});
    const open = connect(ending).chat.completions.create({
      model: "rookie",
      messages: MESSAGES,
      n: 8,
      ...LONG,
    });
    await until(() => server.numOpen === 1);
    const stopped = server.stop(20_000);
    expect((await fetch(`${ending}/health`)).status).toBe(503);
    expect((await open).choices.map((one) => one.finish_reason)).toEqual(Array(8).fill("length"));
    await stopped;
  });
});
