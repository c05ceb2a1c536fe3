import { errorMessage } from "@gumshoe/core";
import {
  type ChatOptions,
  type Model,
  NotFiniteError,
  openModelFolder,
  openTokenizer,
  requireEndToken,
  Sampler,
  type SampleRequest,
  type SampleResult,
  type Tokenizer,
  type TurnEnd,
} from "@gumshoe/engine";
import type { Device } from "@gumshoe/kernels";
import type { Message } from "@gumshoe/puzzles";
import { type AdaptedFolders, loadAdapted } from "@gumshoe/serve";

import type { AnswerSource, Questions, SamplingOptions, SourcedAnswer } from "./answer-source.js";
import { LocalConversations } from "./local-conversations.js";
import { writeChat } from "./write-chat.js";

/** Number of prompts in the sampler at a time: enough to fill its batch. */
const PROMPTS_IN_FLIGHT = 16;

/** A model in this process. */
export interface LoadedModel {
  readonly folder: string;
  readonly device: Device;
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  /** How prompts are rendered. */
  readonly chat: ChatOptions;
}

/** Answers prompts with a model in this process. */
export class LocalAnswers implements AnswerSource {
  private constructor(readonly loaded: LoadedModel) {}

  /** Loads a model folder, and the adapter on it. */
  static async load(
    { folder, adapter }: AdaptedFolders,
    { openDevice, chat = {} }: { openDevice: () => Device; chat?: ChatOptions },
  ): Promise<LocalAnswers> {
    const source = await openModelFolder(folder);
    const device = openDevice();
    try {
      const model = await loadAdapted(device, source, adapter);
      const tokenizer = await openTokenizer(source);
      requireEndToken(folder, tokenizer);
      return new LocalAnswers({ folder, device, model, tokenizer, chat });
    } catch (thrown) {
      device.dispose();
      throw thrown;
    } finally {
      await source.close();
    }
  }

  /** Answers every prompt `samples` times, in order of completion. */
  async *answer(
    questions: Questions,
    options: SamplingOptions,
    signal: AbortSignal,
  ): AsyncGenerator<SourcedAnswer> {
    const { model, tokenizer } = this.loaded;
    const decode = (ids: readonly number[]) => tokenizer.decode(ids, { skipSpecialTokens: true });
    const { messages, isKnown } = questions;
    const conversations = this.#conversations(questions, options, (id, rollout, given) =>
      sampler.resume(id, rollout, given),
    );
    const onTurns = (turns: readonly TurnEnd[]) => conversations?.take(turns);
    const sampler = new Sampler({ model, decode, onTurns });
    let next = 0;
    let numOpen = 0;
    while (next < messages.length || numOpen > 0) {
      while (next < messages.length && numOpen < PROMPTS_IN_FLIGHT) {
        if (isWholeKnown(next, options.samples, isKnown)) {
          next++;
          continue;
        }
        const problem = this.#add(
          sampler,
          { index: next, messages: messages[next] ?? [] },
          options,
        );
        if (problem === null) numOpen++;
        else yield* failedAnswers(next, problem, options.samples);
        next++;
      }
      for (const result of stepOf(sampler, this.loaded.folder)) {
        numOpen--;
        for await (const answer of this.#read(result, conversations)) {
          if (!isKnown(answer.index, answer.sample)) yield answer;
        }
      }
      // Yield to the event loop, so that Ctrl-C is handled: the sampler computes on this thread.
      await new Promise((resolve) => setImmediate(resolve));
      if (!sampler.hasWork) await conversations?.next();
      signal.throwIfAborted();
    }
    sampler.dispose();
  }

  /** Frees the model's memory. */
  close(): void {
    this.loaded.model.dispose();
    this.loaded.device.dispose();
  }

  /** Adds a prompt to the sampler; returns why it cannot be answered, or null. */
  #add(
    sampler: Sampler,
    prompt: { index: number; messages: readonly Message[] },
    options: SamplingOptions,
  ): string | null {
    const request = requestFor(this.loaded, prompt, options);
    if (typeof request === "string") return request;
    try {
      sampler.add(request);
      return null;
    } catch (thrown) {
      return errorMessage(thrown);
    }
  }

  async *#read(
    { id, promptIds, rollouts }: SampleResult,
    conversations: LocalConversations | null,
  ): AsyncGenerator<SourcedAnswer> {
    for (const [i, rollout] of rollouts.entries()) {
      // The tokens that are given between turns count as tokens of prompts.
      const { logprobs, tokens } = rollout;
      const given = tokens.length - logprobs.length;
      yield {
        index: Number(id),
        sample: i,
        tokens: { prompt: (i === 0 ? promptIds.length : 0) + given, answer: logprobs.length },
        outcome: (await conversations?.finish(id, i, rollout)) ?? {
          type: "answer",
          reply: this.loaded.tokenizer.decode([...tokens], { skipSpecialTokens: true }),
          finish: rollout.finish === "length" ? "length" : "stop",
        },
      };
    }
  }

  /** Returns the conversations of the prompts; null when these have one reply. */
  #conversations(
    { conversationOf }: Questions,
    { turns }: SamplingOptions,
    resume: (id: string, rollout: number, given: readonly number[] | null) => void,
  ): LocalConversations | null {
    if (conversationOf === null) return null;
    const { tokenizer, chat } = this.loaded;
    const maxTurns = turns?.max ?? 1;
    return new LocalConversations({ tokenizer, chat, conversationOf, maxTurns, resume });
  }
}

/** Returns the request for the answers to a prompt; a text says why it cannot be answered. */
export function requestFor(
  loaded: LoadedModel,
  { index, messages }: { index: number; messages: readonly Message[] },
  options: SamplingOptions,
): SampleRequest | string {
  const { tokenizer, chat, model } = loaded;
  const promptIds = writeChat(loaded, messages, chat);
  const { maxPositions } = model.config;
  if (promptIds.length >= maxPositions) {
    return `a prompt of ${promptIds.length} tokens; the model takes ${maxPositions}`;
  }
  return {
    id: String(index),
    promptIds,
    count: options.samples,
    temperature: options.temperature,
    maxNewTokens: options.maxAnswerTokens,
    stopTokenIds: tokenizer.stopTokenIds,
    seed: [options.seed, index],
    earlyStop: null,
    ...options.limits,
    turns: options.turns === undefined ? null : { maxTokens: options.turns.maxTokens ?? null },
  };
}

/** Does a step of a sampler. @throws NotFiniteError naming the folder when the model's logits are not finite */
export function stepOf(sampler: Sampler, folder: string): SampleResult[] {
  try {
    return sampler.step();
  } catch (error) {
    throw error instanceof NotFiniteError ? new NotFiniteError(folder) : error;
  }
}

/** Yields the answers to a prompt that cannot be answered. */
export function* failedAnswers(
  index: number,
  reason: string,
  samples: number,
): Generator<SourcedAnswer> {
  for (let sample = 0; sample < samples; sample++) {
    yield { index, sample, tokens: null, outcome: { type: "failure", reason, isPaid: false } };
  }
}

/**
 * Returns whether all answers to a prompt are known: they are sampled together, so only then can it
 * be skipped.
 */
function isWholeKnown(index: number, samples: number, isKnown: Questions["isKnown"]): boolean {
  for (let sample = 0; sample < samples; sample++) {
    if (!isKnown(index, sample)) return false;
  }
  return true;
}
