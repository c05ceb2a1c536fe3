import { Answer } from "./answer.js";
import type { ServedModel } from "../engine/served-model.js";
import { randomKey, type Sampling } from "../request/sampling-fields.js";

/** The prompts of one request, and how they are answered. */
export interface GenerationOptions {
  readonly model: ServedModel;
  /** Token ids, and how many tokens an answer may have. */
  readonly prompts: readonly { readonly ids: readonly number[]; readonly maxNewTokens: number }[];
  readonly sampling: Sampling;
  /** Used if the request has none. */
  readonly freshSeed: () => number;
}

/** Numbers of tokens, as OpenAI counts them: a prompt once, however many answers it has. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** The answers of one request, as they are sampled. Those to prompt p are numbers p * n to p * n + n - 1. */
export class Generation {
  readonly answers: readonly Answer[];
  readonly #options: GenerationOptions;

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
      completion_tokens: completion,
      total_tokens: prompt + completion,
    };
  }

  /**
   * Samples all answers; resolves when the last one has ended.
   *
   * @param onToken  called with the number of an answer that has got a token
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
  async #answer(work: {
    prompt: number;
    seed: number;
    held: ReturnType<ServedModel["begin"]>;
    onToken: (index: number) => void;
    signal: AbortSignal;
  }): Promise<void> {
    const { sampling, model, prompts } = this.#options;
    const { thread, model: number } = work.held;
    const { ids, maxNewTokens } = prompts[work.prompt] ?? { ids: [], maxNewTokens: 1 };
    const first = work.prompt * sampling.n;
    const answers = this.answers.slice(first, first + sampling.n);
    // The sampler does not know stop strings: answers that ended with one are cancelled together.
    const done = new AbortController();
    const sample = {
      promptIds: Int32Array.from(ids),
      count: sampling.n,
      temperature: sampling.temperature,
      topP: sampling.topP,
      topK: sampling.topK,
      minP: sampling.minP,
      minNewTokens: sampling.minNewTokens,
      maxNewTokens,
      stopTokenIds: model.tokenizer.stopTokenIds,
      seed: randomKey(work.seed),
      earlyStop: null,
    };
    try {
      await thread.sample(
        { model: number, sample },
        (token) => {
          answers[token.rollout]?.push(token);
          work.onToken(first + token.rollout);
          if (answers.every(({ finish }) => finish !== null)) done.abort();
        },
        AbortSignal.any([work.signal, done.signal]),
      );
    } catch (thrown) {
      if (!done.signal.aborted) throw thrown;
    }
  }
}
