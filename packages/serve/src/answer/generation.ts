import type { TokenScore } from "@gumshoe/engine";

import { Answer, type KnownToken } from "./answer.js";
import type { ServedModel } from "../engine/served-model.js";
import { randomKey, type Sampling } from "../request/sampling-fields.js";

/** The prompts of one request, and how they are answered. */
export interface GenerationOptions {
  readonly model: ServedModel;
  /** Token ids, and how many tokens an answer may have: none if only the prompt is wanted. */
  readonly prompts: readonly { readonly ids: readonly number[]; readonly maxNewTokens: number }[];
  readonly sampling: Sampling;
  /** Used if the request has none. */
  readonly freshSeed: () => number;
}

/** Numbers of tokens, as OpenAI counts them: a prompt once, however many answers it has. */
export interface Usage {
  readonly prompt_tokens: number;
  /** Those of prefixes whose keys and values were in the cache. */
  readonly prompt_tokens_details: { readonly cached_tokens: number };
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** The answers of one request, as they are sampled. Those to prompt p are numbers p * n to p * n + n - 1. */
export class Generation {
  readonly answers: readonly Answer[];
  readonly #options: GenerationOptions;
  #numCached = 0;

  constructor(options: GenerationOptions) {
    this.#options = options;
    const { model, prompts, sampling } = options;
    const count = prompts.length * sampling.n;
    this.answers = Array.from({ length: count }, () => new Answer(model.tokenizer, sampling.stops));
  }

  get usage(): Usage {
    const prompt = this.#options.prompts.reduce((sum, { ids }) => sum + ids.length, 0);
    const completion = this.answers.reduce((sum, { numTokens }) => sum + numTokens, 0);
    return {
      prompt_tokens: prompt,
      prompt_tokens_details: { cached_tokens: this.#numCached },
      completion_tokens: completion,
      total_tokens: prompt + completion,
    };
  }

  /**
   * Samples all answers; resolves when the last one has ended.
   *
   * @param onToken  called with the number of an answer that has got a token, or its prompt
   * @throws         the sampler's error; the signal's reason
   */
  async run(onToken: (index: number) => void, signal: AbortSignal): Promise<void> {
    const { prompts, sampling, freshSeed, model } = this.#options;
    const seed = sampling.seed ?? freshSeed();
    const held = model.begin();
    // When one prompt fails, the answers to the others leave the batch too.
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    try {
      await Promise.all(
        prompts.map((_, prompt) => this.#answer({ prompt, seed, held, onToken, signal: either })),
      );
    } catch (thrown) {
      failed.abort(thrown);
      throw thrown;
    } finally {
      held.end();
    }
  }

  /** Samples the answers to one prompt. */
  async #answer(work: PromptWork): Promise<void> {
    const { sampling, prompts } = this.#options;
    const { ids, maxNewTokens } = prompts[work.prompt] ?? { ids: [], maxNewTokens: 1 };
    // The sampler does not know stop strings: answers that ended with one are cancelled together.
    const done = new AbortController();
    const first = work.prompt * sampling.n;
    const answers = this.answers.slice(first, first + sampling.n);
    const report = (index: number) => {
      work.onToken(first + index);
      if (answers.every(({ finish }) => finish !== null)) done.abort();
    };
    const echo = (scores: readonly TokenScore[] | null) => {
      const tokens = echoed(ids, scores);
      for (const [index, answer] of answers.entries()) {
        answer.echo(tokens);
        if (maxNewTokens === 0) answer.endAtPrompt();
        report(index);
      }
    };
    if (sampling.echoes && sampling.logprobs === null) echo(null);
    if (done.signal.aborted) return;
    const { thread, model } = work.held;
    try {
      await thread.sample(
        { model, sample: this.#sample(work) },
        {
          onCachedPrefix: (numTokens) => (this.#numCached += numTokens),
          onPromptScores: echo,
          onToken: (token) => {
            const answer = answers[token.rollout];
            if (answer === undefined || answer.finish !== null) return;
            answer.push(token);
            report(token.rollout);
          },
        },
        AbortSignal.any([work.signal, done.signal]),
      );
    } catch (thrown) {
      if (!done.signal.aborted) throw thrown;
    }
  }

  /** The sampler's request for the answers to one prompt. */
  #sample({ prompt, seed }: PromptWork) {
    const { sampling, model, prompts } = this.#options;
    const { ids, maxNewTokens } = prompts[prompt] ?? { ids: [], maxNewTokens: 1 };
    return {
      promptIds: Int32Array.from(ids),
      // The sampler has no request without an answer: where none is wanted, one token is sampled and left out.
      count: maxNewTokens === 0 ? 1 : sampling.n,
      maxNewTokens: Math.max(1, maxNewTokens),
      temperature: sampling.temperature,
      topP: sampling.topP,
      topK: sampling.topK,
      minP: sampling.minP,
      minNewTokens: sampling.minNewTokens,
      stopTokenIds: model.tokenizer.stopTokenIds,
      seed: randomKey(seed),
      earlyStop: null,
      alternatives: sampling.logprobs ?? 0,
      scoresPrompt: sampling.echoes && sampling.logprobs !== null,
    };
  }
}

/** The sampling of the answers to one prompt. */
interface PromptWork {
  readonly prompt: number;
  readonly seed: number;
  readonly held: ReturnType<ServedModel["begin"]>;
  readonly onToken: (index: number) => void;
  readonly signal: AbortSignal;
}

/** @param scores  of all tokens but the first; null if none are wanted */
function echoed(ids: readonly number[], scores: readonly TokenScore[] | null): KnownToken[] {
  const unknown = { logprob: null, alternatives: [] };
  return ids.map((token, i) => ({ token, ...(scores?.[i - 1] ?? unknown) }));
}
