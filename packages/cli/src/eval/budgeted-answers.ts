import { errorMessage } from "@gumshoe/core";
import {
  type SampledRollout,
  Sampler,
  type SampleRequest,
  type SampleResult,
} from "@gumshoe/engine";

import type { AnswerSource, Questions, SamplingOptions, SourcedAnswer } from "./answer-source.js";
import { failedAnswers, type LoadedModel, requestFor, stepOf } from "./local-answers.js";
import { type ThinkingMarks, thinkingLength } from "./thinking-marks.js";

/** Requests in the sampler at a time. */
const IN_FLIGHT = 64;

/** The answers to a prompt, or why there are none. */
type Sampled = { readonly id: string } & (
  | { readonly result: SampleResult; readonly problem: null }
  | { readonly result: null; readonly problem: string }
);

/** An answer that is cut where its budget ends, and goes on behind the close of its thinking. */
interface CutAnswer {
  readonly index: number;
  readonly sample: number;
  /** Number of the prompt's own tokens that count for this answer. */
  readonly promptTokens: number;
  /** What the model has sampled within the budget. */
  readonly thought: Int32Array;
  readonly request: SampleRequest;
}

/** The answers of a model without a budget, which all budgets begin with: each is sampled once. */
export class WholeAnswers {
  readonly #loaded: LoadedModel;
  readonly #known = new Map<number, Sampled>();

  constructor(loaded: LoadedModel) {
    this.#loaded = loaded;
  }

  /** Yields the answers to every prompt, the sampled ones in order of completion. */
  async *of(
    { messages }: Questions,
    options: SamplingOptions,
    signal: AbortSignal,
  ): AsyncGenerator<Sampled> {
    yield* this.#known.values();
    const requests: SampleRequest[] = [];
    for (const [index, chat] of messages.entries()) {
      if (this.#known.has(index)) continue;
      const request = requestFor(this.#loaded, { index, messages: chat }, options);
      if (typeof request === "string") yield { id: String(index), result: null, problem: request };
      else requests.push(request);
    }
    for await (const sampled of sampleAll(this.#loaded, requests, signal)) {
      this.#known.set(Number(sampled.id), sampled);
      yield sampled;
    }
  }
}

/**
 * Answers prompts with a model in this process that may think for so many tokens. Where an answer has not ended its
 * thinking by then, the close of the thinking is written behind these tokens, and the model goes on with its answer, up to
 * the length limit of all. An answer that stays within the budget is the one without a budget, token by token.
 */
export class BudgetedAnswers implements AnswerSource {
  readonly #loaded: LoadedModel;
  readonly #whole: WholeAnswers;
  readonly #marks: ThinkingMarks;
  readonly #budget: number | null;
  #numCut = 0;

  /** @param budget  tokens; null for no limit */
  constructor(
    loaded: LoadedModel,
    { whole, marks, budget }: { whole: WholeAnswers; marks: ThinkingMarks; budget: number | null },
  ) {
    this.#loaded = loaded;
    this.#whole = whole;
    this.#marks = marks;
    this.#budget = budget;
  }

  /** Number of answers whose thinking the budget has ended. */
  get numCut(): number {
    return this.#numCut;
  }

  async *answer(
    questions: Questions,
    options: SamplingOptions,
    signal: AbortSignal,
  ): AsyncGenerator<SourcedAnswer> {
    const { maxPositions } = this.#loaded.model.config;
    const cut: CutAnswer[] = [];
    for await (const { id, result, problem } of this.#whole.of(questions, options, signal)) {
      const index = Number(id);
      if (problem !== null) {
        yield* failedAnswers(index, problem, options.samples);
        continue;
      }
      const { promptIds, rollouts } = result;
      for (const [sample, rollout] of rollouts.entries()) {
        const promptTokens = sample === 0 ? promptIds.length : 0;
        const place = { index, sample, promptTokens };
        if (!this.#isOver(promptIds, rollout)) {
          yield this.#answer(place, [...rollout.tokens], rollout, 0);
          continue;
        }
        this.#numCut++;
        const one = this.#cut(place, result, options);
        if (one.request.promptIds.length < maxPositions) cut.push(one);
        else yield this.#answer(place, [...one.thought], { finish: "length" }, 0);
      }
    }
    yield* this.#goOn(cut, signal);
  }

  close(): void {
    // The model is closed by its owner.
  }

  #isOver(promptIds: Int32Array, { tokens }: SampledRollout): boolean {
    if (this.#budget === null || tokens.length <= this.#budget) return false;
    const length = thinkingLength({ promptIds, tokens }, this.#marks, this.#loaded.tokenizer);
    return length === null || length > this.#budget;
  }

  #cut(
    place: Pick<CutAnswer, "index" | "sample" | "promptTokens">,
    { promptIds, rollouts }: SampleResult,
    options: SamplingOptions,
  ): CutAnswer {
    const budget = this.#budget ?? 0;
    const { index, sample } = place;
    const { tokenizer } = this.#loaded;
    const thought = rollouts[sample]?.tokens.subarray(0, budget) ?? new Int32Array(0);
    const close = tokenizer.encode(this.#marks.close);
    const maxNewTokens = options.maxAnswerTokens - budget - close.length;
    const { minNewTokens = 0, ...limits } = options.limits;
    const least = Math.min(Math.max(0, minNewTokens - budget - close.length), maxNewTokens);
    const request = {
      ...limits,
      id: `${index}/${sample}`,
      promptIds: [...promptIds, ...thought, ...close],
      count: 1,
      temperature: options.temperature,
      maxNewTokens,
      minNewTokens: least,
      stopTokenIds: tokenizer.stopTokenIds,
      seed: [options.seed, index, sample, budget] as [number, ...number[]],
      earlyStop: null,
    };
    return { ...place, thought, request };
  }

  /** Lets the answers go on that the budget has cut. */
  async *#goOn(cut: readonly CutAnswer[], signal: AbortSignal): AsyncGenerator<SourcedAnswer> {
    const byId = new Map(cut.map((one) => [one.request.id, one]));
    const requests = cut.map(({ request }) => request);
    for await (const { id, result, problem } of sampleAll(this.#loaded, requests, signal)) {
      const one = byId.get(id);
      if (one === undefined) throw new Error(`no answer ${id} was cut`);
      if (problem !== null) {
        const { index, sample } = one;
        yield {
          index,
          sample,
          tokens: null,
          outcome: { type: "failure", reason: problem, isPaid: false },
        };
        continue;
      }
      const [rest] = result.rollouts;
      if (rest === undefined) throw new Error(`answer ${id} does not go on`);
      const close = this.#loaded.tokenizer.encode(this.#marks.close);
      const tokens = [...one.thought, ...close, ...rest.tokens];
      yield this.#answer(one, tokens, rest, close.length);
    }
  }

  #answer(
    { index, sample, promptTokens }: Pick<CutAnswer, "index" | "sample" | "promptTokens">,
    tokens: readonly number[],
    { finish }: Pick<SampledRollout, "finish">,
    numGiven: number,
  ): SourcedAnswer {
    return {
      index,
      sample,
      // What was written by the budget counts as read.
      tokens: { prompt: promptTokens + numGiven, answer: tokens.length - numGiven },
      outcome: {
        type: "answer",
        reply: this.#loaded.tokenizer.decode(tokens, { skipSpecialTokens: true }),
        finish: finish === "length" ? "length" : "stop",
      },
    };
  }
}

/** Samples requests, in order of completion; one that the sampler refuses has its problem. */
async function* sampleAll(
  { model, tokenizer, folder }: LoadedModel,
  requests: readonly SampleRequest[],
  signal: AbortSignal,
): AsyncGenerator<Sampled> {
  const decode = (ids: readonly number[]) => tokenizer.decode(ids, { skipSpecialTokens: true });
  const sampler = new Sampler({ model, decode });
  try {
    let next = 0;
    let numOpen = 0;
    while (next < requests.length || numOpen > 0) {
      for (; next < requests.length && numOpen < IN_FLIGHT; next++) {
        const request = requests[next] as SampleRequest;
        try {
          sampler.add(request);
          numOpen++;
        } catch (thrown) {
          yield { id: request.id, result: null, problem: errorMessage(thrown) };
        }
      }
      for (const result of stepOf(sampler, folder)) {
        numOpen--;
        yield { id: result.id, result, problem: null };
      }
      // Yield to the event loop, so that Ctrl-C is handled: the sampler computes on this thread.
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
  } finally {
    sampler.dispose();
  }
}
