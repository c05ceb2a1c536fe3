import { Rng } from "@gumshoe/core";
import { EarlyStop, type EarlyStopConfig, type Finish } from "@gumshoe/grpo";

import { at } from "../model/checked.js";
import { type TokenDistribution, WHOLE_DISTRIBUTION } from "../model/token-distribution.js";
import { type DecodeText } from "../tokenizer/incremental-decoder.js";
import { StopStrings } from "./stop-strings.js";

export { type Finish };

/** Restrictions of sampling; each is off by default. */
export type SamplingOptions = Partial<
  Pick<TokenDistribution, "topK" | "topP" | "minP" | "minNewTokens">
> & {
  /**
   * Texts that end an answer: the token with which the decoded answer contains one of them is its last. Not found if
   * it ends within the first `minNewTokens` tokens. Needs a sampler that can decode.
   */
  readonly stopStrings?: readonly string[];
};

/** A request: a prompt and how many answers to sample, with their settings. */
export interface SampleRequest extends SamplingOptions {
  /** Unique among unfinished requests. */
  readonly id: string;
  readonly promptIds: ArrayLike<number>;
  /** Number of rollouts. */
  readonly count: number;
  /** Divides the logits; 0 samples the most likely token. */
  readonly temperature: number;
  readonly maxNewTokens: number;
  /** Sampling one of these ends the answer; the stop token is part of it. */
  readonly stopTokenIds: readonly number[];
  /** Parts of the random key, e.g. run seed, iteration, task; rollout and token are appended. */
  readonly seed: readonly [number, ...number[]];
  /** Ends a degenerate answer by its mean log-prob; null disables this. */
  readonly earlyStop: EarlyStopConfig | null;
}

/** One sampled answer. */
export interface SampledRollout {
  /** Sampled ids [T], the stop token included */
  readonly tokens: Int32Array;
  /**
   * [T] in nats, of the distribution that was sampled from: at the request's temperature, renormalised over the
   * tokens that its options keep; at temperature 0 that of temperature 1
   */
  readonly logprobs: Float32Array;
  readonly finish: Finish;
}

/** All answers of one request. */
export interface SampleResult {
  readonly id: string;
  readonly promptIds: Int32Array;
  readonly rollouts: readonly SampledRollout[];
}

/** A token that was sampled in a step. */
export interface SampledToken {
  /** Of the request. */
  readonly id: string;
  readonly rollout: number;
  readonly token: number;
  /** As in {@link SampledRollout} */
  readonly logprob: number;
  /** Why the answer ends with this token; null if it goes on. */
  readonly finish: Finish | null;
}

/** A prefilled prompt and the answers that share it. */
export class PromptGroup {
  readonly promptIds: Int32Array;
  readonly distribution: TokenDistribution;
  readonly sequences: readonly Sequence[];
  /** Blocks with the prompt's keys and values; empty until prefilled. */
  blocks: number[] = [];

  /** @param decode  null if no request has stop strings */
  constructor(
    readonly request: SampleRequest,
    readonly decode: DecodeText | null,
  ) {
    this.promptIds = Int32Array.from(request.promptIds);
    this.distribution = distributionOf(request);
    this.sequences = Array.from({ length: request.count }, (_, i) => new Sequence(this, i));
  }

  get finished(): boolean {
    return this.sequences.every((sequence) => sequence.finish !== null);
  }

  result(): SampleResult {
    return {
      id: this.request.id,
      promptIds: this.promptIds,
      rollouts: this.sequences.map((sequence) => sequence.result()),
    };
  }
}

/**
 * One answer that is being sampled.
 *
 * Token t of rollout r uses words 2t and 2t + 1 of the random stream (seed, r), so the rest of the batch has no
 * influence.
 */
export class Sequence {
  readonly tokens: number[] = [];
  readonly logprobs: number[] = [];
  /** Blocks of the answer's own keys and values. */
  blocks: number[] = [];
  /** null while sampling continues. */
  finish: Finish | null = null;
  readonly #rng: Rng;
  readonly #watch: EarlyStop | null;
  readonly #stopStrings: StopStrings | null;

  constructor(
    readonly group: PromptGroup,
    readonly rollout: number,
  ) {
    const { seed, earlyStop, stopStrings = [] } = group.request;
    this.#rng = new Rng(...seed, rollout);
    this.#watch = earlyStop === null ? null : new EarlyStop(earlyStop);
    const { decode } = group;
    this.#stopStrings =
      stopStrings.length === 0 || decode === null ? null : new StopStrings(stopStrings, decode);
  }

  /** Random words for the next token. */
  draw(): [number, number] {
    return [this.#rng.uint32(), this.#rng.uint32()];
  }

  /** Appends a sampled token; returns whether the answer ends with it. */
  append(token: number, logprob: number): void {
    const { maxNewTokens, stopTokenIds, minNewTokens = 0 } = this.group.request;
    this.tokens.push(token);
    this.logprobs.push(logprob);
    const degenerate = this.#watch?.push(logprob) ?? false;
    const isFound = this.#stopStrings?.push(token) ?? false;
    if (stopTokenIds.includes(token)) this.finish = "stop";
    else if (isFound && this.tokens.length > minNewTokens) this.finish = "stop-string";
    else if (degenerate) this.finish = "early-stop";
    else if (this.tokens.length >= maxNewTokens) this.finish = "length";
  }

  lastToken(): SampledToken {
    const { tokens, logprobs, rollout, finish } = this;
    const last = tokens.length - 1;
    return {
      id: this.group.request.id,
      rollout,
      token: at(tokens, last),
      logprob: at(logprobs, last),
      finish,
    };
  }

  result(): SampledRollout {
    return {
      tokens: Int32Array.from(this.tokens),
      logprobs: Float32Array.from(this.logprobs),
      finish: this.finish ?? "length",
    };
  }
}

/** Returns the distribution that a request's tokens are sampled from. */
function distributionOf(request: SampleRequest): TokenDistribution {
  const { topK, topP, minP, minNewTokens } = WHOLE_DISTRIBUTION;
  return {
    temperature: request.temperature,
    topK: request.topK ?? topK,
    topP: request.topP ?? topP,
    minP: request.minP ?? minP,
    minNewTokens: request.minNewTokens ?? minNewTokens,
    stopTokenIds: request.stopTokenIds,
  };
}
