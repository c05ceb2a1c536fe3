import { type Clock, ClusterError, errorMessage, retry, type RetryPolicy } from "@gumshoe/core";

import { EndpointError } from "../errors.js";
import { type AnswerOutcome, type AnswerSource, type SamplingOptions } from "./answer-source.js";
import { type SourcedAnswer } from "./answer-source.js";

const RETRIES: RetryPolicy = { attempts: 4, firstDelayMs: 1000, maxDelayMs: 8000 };
const REQUEST_TIMEOUT_MS = 300_000;

/** How to reach an OpenAI-compatible endpoint. */
export interface EndpointOptions {
  /** Base URL, e.g. `http://127.0.0.1:8000/v1`, or the full URL of its chat completions. */
  readonly url: string;
  /** Name of the model there; null for the endpoint's own. */
  readonly model: string | null;
  /** Sent as a bearer token; null for none. */
  readonly apiKey: string | null;
  /** Requests in flight. */
  readonly concurrency: number;
  readonly clock: Clock;
}

interface Completion {
  choices?: { message?: { content?: string | null }; finish_reason?: string }[];
  usage?: { prompt_tokens?: number; completion_tokens?: number };
}

/** Asks an OpenAI-compatible endpoint, one request per answer. */
export class EndpointAnswers implements AnswerSource {
  readonly #url: string;

  constructor(private readonly options: EndpointOptions) {
    const base = options.url.replace(/\/+$/, "");
    this.#url = base.endsWith("/chat/completions") ? base : `${base}/chat/completions`;
  }

  /** Answers every prompt `samples` times, in any order. */
  async *answer(
    prompts: readonly string[],
    options: SamplingOptions,
    signal: AbortSignal,
  ): AsyncGenerator<SourcedAnswer> {
    const open = new Map<number, Promise<{ ticket: number; answer: SourcedAnswer }>>();
    const total = prompts.length * options.samples;
    for (let ticket = 0; ticket < total || open.size > 0;) {
      while (ticket < total && open.size < this.options.concurrency) {
        const id = ticket++;
        const index = Math.floor(id / options.samples);
        const asked = this.#ask(
          prompts[index] ?? "",
          { ...options, seed: options.seed + id },
          signal,
        );
        open.set(
          id,
          asked.then((answer) => ({ ticket: id, answer: { index, ...answer } })),
        );
      }
      const first = await Promise.race(open.values());
      open.delete(first.ticket);
      signal.throwIfAborted();
      yield first.answer;
    }
  }

  /** Holds nothing that must be closed. */
  close(): void {
    // Requests end with their signal.
  }

  async #ask(
    prompt: string,
    options: SamplingOptions,
    signal: AbortSignal,
  ): Promise<{ outcome: AnswerOutcome; promptTokens: number }> {
    try {
      const policy = { policy: RETRIES, clock: this.options.clock, signal };
      return readCompletion(await retry(() => this.#post(prompt, options, signal), policy));
    } catch (thrown) {
      return { outcome: { type: "failure", reason: errorMessage(thrown) }, promptTokens: 0 };
    }
  }

  async #post(prompt: string, options: SamplingOptions, signal: AbortSignal): Promise<Completion> {
    const { model, apiKey } = this.options;
    const body = {
      ...(model === null ? {} : { model }),
      messages: [{ role: "user", content: prompt }],
      temperature: options.temperature,
      max_tokens: options.maxAnswerTokens,
      seed: options.seed,
    };
    const response = await fetch(this.#url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    }).catch((thrown: unknown) => {
      throw new EndpointError(this.#url, `cannot be reached (${causeOf(thrown)})`, true);
    });
    const text = await response.text();
    if (!response.ok) {
      const mayRetry = response.status === 429 || response.status >= 500;
      throw new EndpointError(this.#url, `${response.status} ${text.slice(0, 200)}`, mayRetry);
    }
    try {
      return JSON.parse(text) as Completion;
    } catch {
      throw new EndpointError(this.#url, `does not answer in JSON: ${text.slice(0, 200)}`, false);
    }
  }
}

function readCompletion(completion: Completion): { outcome: AnswerOutcome; promptTokens: number } {
  const choice = completion.choices?.[0];
  const reply = choice?.message?.content;
  const promptTokens = completion.usage?.prompt_tokens ?? 0;
  if (typeof reply !== "string") {
    return { outcome: { type: "failure", reason: "the endpoint sent no answer" }, promptTokens };
  }
  const truncated = choice?.finish_reason === "length";
  const answerTokens = completion.usage?.completion_tokens ?? 0;
  return { outcome: { type: "answer", reply, answerTokens, truncated }, promptTokens };
}

function causeOf(thrown: unknown): string {
  if (thrown instanceof ClusterError || !(thrown instanceof Error)) return errorMessage(thrown);
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
}
