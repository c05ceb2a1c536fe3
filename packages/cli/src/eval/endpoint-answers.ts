import type { Clock } from "@gumshoe/core";
import type { Message } from "@gumshoe/puzzles";

import { EndpointEndedError, EndpointError } from "../errors.js";
import type { AnswerSource, Questions, SamplingOptions, SourcedAnswer } from "./answer-source.js";
import { EndpointConnection, type EndpointResponse } from "./endpoint-connection.js";
import { EndpointRetries, type RequestHistory } from "./endpoint-retries.js";
import { readStatus } from "./endpoint-status.js";
import type { EndpointUrl } from "./endpoint-url.js";
import { type CompletionRead, readCompletion } from "./read-completion.js";
import { type FieldSettings, RequestFields } from "./request-fields.js";

/** Consecutive failed requests, from the first on, after which the evaluation ends. */
const MAX_FIRST_FAILURES = 16;
/** Most fields of one request that may be rejected in succession. */
const MAX_REFUSED_FIELDS = 6;

/** Address and limits of an OpenAI-compatible endpoint. */
export interface EndpointOptions {
  readonly endpoint: EndpointUrl;
  /** Name of the model; null for the endpoint's default. */
  readonly model: string | null;
  /** Sent as a bearer token; null for none. */
  readonly apiKey: string | null;
  /** Most concurrent requests. */
  readonly concurrency: number;
  /** Time limit of one reply, in ms. */
  readonly timeoutMs: number;
  /** Most total delay of one request, in ms. */
  readonly maxWaitMs: number;
  readonly fields: FieldSettings;
  /** Environment with the proxy variables. */
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Returns numbers from 0 to 1, for jitter. */
  readonly random: () => number;
  /** Called once for each notice to the user. */
  readonly onNotice: (line: string) => void;
}

/** The result of one request. */
type Asked = Pick<SourcedAnswer, "outcome" | "tokens">;

/** Requests answers from an OpenAI-compatible endpoint, one request per answer. */
export class EndpointAnswers implements AnswerSource {
  readonly #options: EndpointOptions;
  readonly #connection: EndpointConnection;
  readonly #retries: EndpointRetries;
  /** The request fields that the endpoint accepts, as far as known. */
  #fields: RequestFields;
  #numAnswered = 0;
  #numFirstFailures = 0;
  readonly #notices = new Set<string>();

  constructor(options: EndpointOptions) {
    this.#options = options;
    const { endpoint, apiKey, timeoutMs, env } = options;
    this.#connection = new EndpointConnection({ endpoint, apiKey, timeoutMs, env });
    this.#retries = new EndpointRetries(options);
    this.#fields = new RequestFields(options.fields);
  }

  /**
   * Answers every prompt `samples` times, in any order.
   *
   * @throws EndpointEndedError when no further request can succeed; the signal's reason. All
   *   answers received before are yielded first.
   */
  async *answer(
    questions: Questions,
    options: SamplingOptions,
    signal: AbortSignal,
  ): AsyncGenerator<SourcedAnswer> {
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    const tickets = openTickets(questions, options.samples);
    const come: { answer: SourcedAnswer; onTaken: () => void }[] = [];
    let wake = () => undefined as void;
    let isDone = false;
    let isOver = false;
    const work = async (): Promise<void> => {
      for (const { index, sample } of tickets) {
        const seed = options.seed + index * options.samples + sample;
        const asked = await this.#ask(questions.messages[index] ?? [], { ...options, seed }, both);
        const answer = { index, sample, outcome: asked.outcome, tokens: asked.tokens };
        // Send the next request only after this answer is stored, so that a crash loses no received
        // answer.
        await new Promise<void>((onTaken) => {
          if (isOver) return onTaken();
          come.push({ answer, onTaken });
          wake();
        });
      }
    };
    const workers = Array.from({ length: this.#options.concurrency }, () =>
      work().catch((thrown: unknown) => ended.abort(thrown)),
    );
    const all = Promise.all(workers).then(() => {
      isDone = true;
      wake();
    });
    try {
      while (!isDone || come.length > 0) {
        const next = come.shift();
        if (next !== undefined) {
          try {
            yield next.answer;
          } finally {
            next.onTaken();
          }
        } else await new Promise<void>((resolve) => (wake = resolve));
      }
      both.throwIfAborted();
    } finally {
      ended.abort(new EndpointEndedError(this.#options.endpoint.shown, "no more is wanted"));
      isOver = true;
      for (const { onTaken } of come.splice(0)) onTaken();
      await all;
    }
  }

  /** Closes the connections. */
  close(): void {
    this.#connection.close();
  }

  async #ask(
    messages: readonly Message[],
    options: SamplingOptions,
    signal: AbortSignal,
  ): Promise<Asked> {
    const history: RequestHistory = {
      tries: 0,
      firstFailureAtMs: null,
      numAnsweredBefore: null,
    };
    for (;;) {
      signal.throwIfAborted();
      await this.#retries.untilFree(signal);
      try {
        const read = await this.#request(messages, options, signal);
        this.#numAnswered++;
        return read;
      } catch (thrown) {
        if (!(thrown instanceof EndpointError)) throw thrown;
        if (!thrown.retryable) return this.#fail(thrown.message);
        history.numAnsweredBefore ??= this.#numAnswered;
        const end = await this.#retries.beforeRetry(thrown, history, signal);
        if (end !== null) return this.#giveUp(thrown, end, history);
      }
    }
  }

  /** Sends one request; a field that the endpoint rejects is changed or omitted. */
  async #request(
    messages: readonly Message[],
    options: SamplingOptions,
    signal: AbortSignal,
  ): Promise<CompletionRead> {
    let fields = this.#fields;
    const changes: string[] = [];
    for (;;) {
      const body = fields.body(messages, options, this.#options.model);
      const response = await this.#connection.post(body, signal);
      const isRefusal = response.status === 400 || response.status === 422;
      const other =
        isRefusal && changes.length < MAX_REFUSED_FIELDS ? fields.without(response.text) : null;
      if (other === null || changes.includes(other.change)) {
        const read = this.#read(response);
        if (changes.length > 0) this.#learn(fields, changes);
        return read;
      }
      fields = other.fields;
      changes.push(other.change);
    }
  }

  #read(response: EndpointResponse): CompletionRead {
    const { status, headers, text } = response;
    if (status < 200 || status >= 300) {
      this.#refuse({ status, headers, text: this.#withoutKey(text) });
    }
    // A reply is read as it came: a short key may be part of its words.
    const read = readCompletion(text);
    if (read.type === "completion") return read;
    const reason = this.#withoutKey(read.reason);
    // A gateway may wrap the error of the server behind it: apply that error's own status.
    if (read.status !== null) this.#refuse({ status: read.status, headers, text: reason });
    throw this.#error(reason, read.mayPass, "reply");
  }

  #refuse(response: EndpointResponse): never {
    const verdict = readStatus(response, this.#options.clock.now());
    switch (verdict.type) {
      case "ended":
        throw new EndpointEndedError(
          this.#options.endpoint.shown,
          verdict.reason + this.#adviceFor(response.status),
        );
      case "busy": {
        const { reason, retryAfterMs } = verdict;
        const about = { kind: "refused" as const, retryAfterMs };
        throw new EndpointError(this.#options.endpoint.shown, reason, true, about);
      }
      case "broken":
        throw this.#error(verdict.reason, true, "reply");
      case "refused":
        throw this.#error(verdict.reason, false, "reply");
      default:
        return verdict satisfies never;
    }
  }

  /** The most frequent cause of a 404 is an incomplete base URL. */
  #adviceFor(status: number): string {
    const isVersioned = /\/v\d/.test(new URL(this.#options.endpoint.url).pathname);
    return status === 404 && !isVersioned ? " (most base URLs end in /v1)" : "";
  }

  /** Remembers which fields the endpoint accepts. */
  #learn(fields: RequestFields, changes: readonly string[]): void {
    this.#fields = fields;
    for (const change of changes) {
      if (this.#notices.has(change)) continue;
      this.#notices.add(change);
      this.#options.onNotice(change);
    }
  }

  /** Fails a request for good, and the whole evaluation when the endpoint itself is unavailable. */
  #giveUp(error: EndpointError, end: string, history: RequestHistory): Asked {
    const { kind } = error.about;
    const answeredSince = this.#numAnswered > (history.numAnsweredBefore ?? 0);
    const problem = `${error.problem} (${end})`;
    const isAway = kind === "refused" || kind === "connection";
    if (isAway && !answeredSince) throw new EndpointEndedError(error.url, problem);
    return this.#fail(`${error.url}: ${problem}`);
  }

  #fail(reason: string): Asked {
    this.#numFirstFailures++;
    if (this.#numAnswered === 0 && this.#numFirstFailures >= MAX_FIRST_FAILURES) {
      const problem = `the first ${MAX_FIRST_FAILURES} requests failed, the last one with ${reason}`;
      throw new EndpointEndedError(this.#options.endpoint.shown, problem);
    }
    return { outcome: { type: "failure", reason, isPaid: false }, tokens: null };
  }

  #error(problem: string, retryable: boolean, kind: "reply"): EndpointError {
    return new EndpointError(this.#options.endpoint.shown, problem, retryable, { kind });
  }

  /** Removes the API key, which endpoints tend to quote in their errors. */
  #withoutKey(text: string): string {
    const { apiKey } = this.#options;
    return apiKey === null || apiKey === "" ? text : text.replaceAll(apiKey, "***");
  }
}

/** Yields the missing answers; shared by all workers. */
function* openTickets({ messages, isKnown }: Questions, samples: number) {
  for (const index of messages.keys()) {
    for (let sample = 0; sample < samples; sample++) {
      if (!isKnown(index, sample)) yield { index, sample };
    }
  }
}
