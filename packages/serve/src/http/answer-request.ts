import type { IncomingMessage, ServerResponse } from "node:http";

import type { ChatOptions } from "@gumshoe/engine";

import type { AnswerFormat } from "../answer/answer-format.js";
import { ChatFormat } from "../answer/chat-format.js";
import { CompletionFormat } from "../answer/completion-format.js";
import { Generation } from "../answer/generation.js";
import type { ServedModel } from "../engine/served-model.js";
import { readChatRequest } from "../request/chat-request.js";
import { checkAlternatives } from "../request/check-alternatives.js";
import { readCompletionRequest } from "../request/completion-request.js";
import { answerTokens, chatTokens, promptTokens } from "../request/prompt-tokens.js";
import type { Sampling } from "../request/sampling-fields.js";
import { type AnswerIdentity, AnswerStream, wholeAnswer } from "./answer-writer.js";
import { problemOf, toProblem } from "./problem.js";
import { sendJson } from "./send-json.js";

/** What a request is read for. */
export interface ReadOptions {
  readonly model: ServedModel;
  readonly chat: ChatOptions;
  /** Most tokens of an answer. */
  readonly maxAnswerTokens: number;
  readonly freshSeed: () => number;
}

/** A request for answers that was read and tokenized. */
export class AnswerRequest {
  private constructor(
    /** Name of the model that is asked; null for whichever is served. */
    readonly model: string | null,
    readonly format: AnswerFormat,
    private readonly sampling: Sampling,
    private readonly generation: Generation,
  ) {}

  /** Reads the body of a request. @throws WrongFieldError naming the field */
  static read(kind: "chat" | "completions", body: unknown, options: ReadOptions): AnswerRequest {
    return kind === "chat" ? readChat(body, options) : readCompletion(body, options);
  }

  static make(parts: {
    asked: string | null;
    format: AnswerFormat;
    sampling: Sampling;
    /** The token ids of each prompt, and the field that they came from. */
    prompts: readonly { readonly ids: readonly number[]; readonly field: string }[];
    /** Field that asks for alternatives. */
    alternativesField: string;
    options: ReadOptions;
  }): AnswerRequest {
    const { asked, format, sampling, prompts, alternativesField, options } = parts;
    const { model, maxAnswerTokens, freshSeed } = options;
    const sized = prompts.map(({ ids, field }) => ({
      ids,
      maxNewTokens: answerTokens(
        model,
        { field, numTokens: ids.length },
        sampling,
        maxAnswerTokens,
      ),
    }));
    checkAlternatives(sized, sampling, alternativesField);
    const generation = new Generation({ model, prompts: sized, sampling, freshSeed });
    return new AnswerRequest(asked, format, sampling, generation);
  }

  /** Samples the answers, and sends them. @throws the sampler's error, before anything is sent */
  async send(
    identity: AnswerIdentity,
    to: { request: IncomingMessage; response: ServerResponse; signal: AbortSignal },
  ): Promise<void> {
    const { request, response, signal } = to;
    const { generation, format, sampling } = this;
    if (!sampling.isStreamed) {
      await generation.run(() => undefined, signal);
      sendJson(request, response, { value: wholeAnswer(identity, format, generation) });
      return;
    }
    const { includesUsage } = sampling;
    const stream = new AnswerStream(response, { identity, format, generation, includesUsage });
    try {
      await generation.run((index) => stream.write(index), signal);
      stream.end();
    } catch (error) {
      const known = problemOf(error);
      if (response.destroyed) return;
      const unknown = { type: "server_error", param: null, code: null };
      stream.fail(known?.problem ?? toProblem(unknown, "the answer could not be completed"));
      if (known === null) throw error;
    }
  }
}

function readChat(body: unknown, options: ReadOptions): AnswerRequest {
  const request = readChatRequest(body);
  const { model: asked, sampling } = request;
  const { model, chat } = options;
  const ids = chatTokens(model, request, chat);
  const format = new ChatFormat(model, {
    logprobs: sampling.logprobs,
    promptIds: givenIds(sampling, [ids]),
  });
  return AnswerRequest.make({
    asked,
    format,
    sampling,
    prompts: [{ ids, field: "messages" }],
    alternativesField: "top_logprobs",
    options,
  });
}

function readCompletion(body: unknown, options: ReadOptions): AnswerRequest {
  const request = readCompletionRequest(body);
  const { model: asked, sampling } = request;
  const { model } = options;
  const all = promptTokens(model, request);
  const format = new CompletionFormat(model, {
    logprobs: sampling.logprobs,
    promptIds: givenIds(sampling, all),
  });
  const prompts = all.map((ids) => ({ ids, field: "prompt" }));
  return AnswerRequest.make({
    asked,
    format,
    sampling,
    prompts,
    alternativesField: "logprobs",
    options,
  });
}

/** Returns the prompt's ids by the number of an answer; null if the request does not ask for ids. */
function givenIds(
  { returnsTokenIds, n }: Sampling,
  prompts: readonly (readonly number[])[],
): ((index: number) => readonly number[]) | null {
  return returnsTokenIds ? (index) => prompts[Math.floor(index / n)] ?? [] : null;
}
