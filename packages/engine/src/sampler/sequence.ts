import { Rng } from "@gumshoe/core";
import { EarlyStop, type EarlyStopConfig, type Finish } from "@gumshoe/grpo";

import { at } from "../model/checked.js";
import { type TokenDistribution, WHOLE_DISTRIBUTION } from "../model/token-distribution.js";
import type { DecodeText } from "../tokenizer/incremental-decoder.js";
import { prefixDigests } from "./prefix-digests.js";
import { StopStrings } from "./stop-strings.js";
import type { TokenAlternative, TokenScore } from "./token-scorer.js";

export { type Finish };

/** Fewest tokens in which another turn fits: one that is given, and one that is sampled. */
const LEAST_ROOM = 2;

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
  /**
   * Lets answers go on after a turn: at a stop token, a stop string or `maxTokens` sampled tokens, an answer waits for
   * `Sampler.resume`, while others are sampled. `maxNewTokens` is for all its tokens, given ones included. Needs a sampler
   * with `onTurns`. Null or absent: an answer is one turn.
   */
  readonly turns?: { readonly maxTokens: number | null } | null;
  /**
   * How many of the likeliest tokens are reported beside each sampled token, and each scored one of the prompt; default 0. Each
   * costs a row of the output head.
   */
  readonly alternatives?: number;
  /**
   * Whether the tokens of the prompt are scored, all but the first, at the request's temperature and over all tokens; default
   * false. Needs a sampler with `onPromptScores`.
   */
  readonly scoresPrompt?: boolean;
}

/** One sampled answer. */
export interface SampledRollout {
  /** Ids [T] of everything after the prompt, stop tokens included */
  readonly tokens: Int32Array;
  /** Lengths of its parts, alternately sampled and given, where some were given; else absent */
  readonly segments?: readonly number[];
  /**
   * Of the sampled tokens, in nats, of the distribution that was sampled from: at the request's temperature, renormalised over the
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
  /** The likeliest tokens of the distribution that it was drawn from, as many as the request asks for. */
  readonly alternatives: readonly TokenAlternative[];
}

/** The scores of a prompt's tokens. */
export interface PromptScores {
  /** Of the request. */
  readonly id: string;
  /** Of the second token to the last: nothing predicts the first. */
  readonly scores: readonly TokenScore[];
}

/** A turn that has ended, while its answer waits for what follows. */
export interface TurnEnd {
  /** Of the request. */
  readonly id: string;
  readonly rollout: number;
  /** Ids that were sampled in this turn, the stop token included */
  readonly tokens: Int32Array;
  readonly finish: Finish;
  /** Tokens that the answer has room for, given and sampled ones together; at least 2 */
  readonly room: number;
}

/** A prefilled prompt and the answers that share it. */
export class PromptGroup {
  readonly promptIds: Int32Array;
  readonly distribution: TokenDistribution;
  readonly sequences: readonly Sequence[];
  /** Blocks with the prompt's keys and values; empty until prefilled. */
  blocks: number[] = [];
  /** Tokens of the cached prefix, in the first of `blocks`. */
  numCached = 0;
  /** Scores of its tokens until they are reported; else null. */
  promptScores: readonly TokenScore[] | null = null;
  #digests: readonly string[] | null = null;

  /** @param decode  null if no request has stop strings */
  constructor(
    readonly request: SampleRequest,
    readonly decode: DecodeText | null,
  ) {
    this.promptIds = Int32Array.from(request.promptIds);
    this.distribution = distributionOf(request);
    this.sequences = Array.from({ length: request.count }, (_, i) => new Sequence(this, i));
  }

  /** Digests of its prefixes, under which their blocks are cached. */
  get digests(): readonly string[] {
    this.#digests ??= prefixDigests(this.promptIds);
    return this.#digests;
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
 * Sampled token t of rollout r uses words 2t and 2t + 1 of the random stream (seed, r), so the rest of the batch and the
 * time at which a turn is resumed have no influence.
 */
export class Sequence {
  /** Everything after the prompt: sampled tokens, and those that were given between turns. */
  readonly tokens: number[] = [];
  /** Of the sampled tokens. */
  readonly logprobs: number[] = [];
  /** Number of tokens whose keys and values are in the cache. */
  numRead = 0;
  /** Blocks of the answer's own keys and values. */
  blocks: number[] = [];
  /** null while sampling continues. */
  finish: Finish | null = null;
  /** Why its turn has ended, while it waits for what follows; else null. */
  turnEnd: Finish | null = null;
  /** Alternatives to the last token. */
  alternatives: readonly TokenAlternative[] = [];
  /** Lengths of the parts before the turn, alternately sampled and given. */
  readonly #segments: number[] = [];
  #turnStart = 0;
  readonly #rng: Rng;
  readonly #watch: EarlyStop | null;
  #stopStrings: StopStrings | null;

  constructor(
    readonly group: PromptGroup,
    readonly rollout: number,
  ) {
    const { seed, earlyStop } = group.request;
    this.#rng = new Rng(...seed, rollout);
    this.#watch = earlyStop === null ? null : new EarlyStop(earlyStop);
    this.#stopStrings = stopStringsOf(group);
  }

  /** Random words for the next token. */
  draw(): [number, number] {
    return [this.#rng.uint32(), this.#rng.uint32()];
  }

  /** Appends a token that was sampled after all tokens before it were read. */
  append(token: number, logprob: number): void {
    this.numRead = this.tokens.length;
    this.tokens.push(token);
    this.logprobs.push(logprob);
    const end = this.#endWith(token, logprob);
    if (end !== null && this.#canGoOn(end)) this.turnEnd = end;
    else this.finish = end;
  }

  /** Begins the next turn behind tokens that were not sampled. */
  resume(given: ArrayLike<number>): void {
    this.#segments.push(this.tokens.length - this.#turnStart, given.length);
    for (let i = 0; i < given.length; i++) this.tokens.push(given[i] as number);
    this.#turnStart = this.tokens.length;
    this.turnEnd = null;
    this.#stopStrings = stopStringsOf(this.group);
  }

  /** Ends an answer that waits, with its last turn. */
  end(): void {
    this.finish = this.turnEnd;
    this.turnEnd = null;
  }

  /** Number of tokens that the next step reads. */
  get numUnread(): number {
    return this.tokens.length - this.numRead;
  }

  /** Tokens that the answer has room for. */
  get room(): number {
    return this.group.request.maxNewTokens - this.tokens.length;
  }

  lastToken(): SampledToken {
    const { tokens, logprobs, rollout, finish, alternatives } = this;
    return {
      id: this.group.request.id,
      rollout,
      token: at(tokens, tokens.length - 1),
      logprob: at(logprobs, logprobs.length - 1),
      finish,
      alternatives,
    };
  }

  /** The turn that has ended. */
  lastTurn(): TurnEnd {
    const { room, rollout, turnEnd, finish } = this;
    return {
      id: this.group.request.id,
      rollout,
      tokens: Int32Array.from(this.tokens.slice(this.#turnStart)),
      finish: turnEnd ?? finish ?? "length",
      room,
    };
  }

  result(): SampledRollout {
    const segments = [...this.#segments, this.tokens.length - this.#turnStart];
    return {
      tokens: Int32Array.from(this.tokens),
      ...(segments.length > 1 && { segments }),
      logprobs: Float32Array.from(this.logprobs),
      finish: this.finish ?? "length",
    };
  }

  /** Returns why the turn, or the answer, ends with its last token; null if it goes on. */
  #endWith(token: number, logprob: number): Finish | null {
    const { stopTokenIds, minNewTokens = 0, turns } = this.group.request;
    const degenerate = this.#watch?.push(logprob) ?? false;
    const isFound = this.#stopStrings?.push(token) ?? false;
    if (stopTokenIds.includes(token)) return "stop";
    if (isFound && this.tokens.length > minNewTokens) return "stop-string";
    if (degenerate) return "early-stop";
    const maxTurn = turns?.maxTokens ?? Infinity;
    const isFull = this.room <= 0 || this.tokens.length - this.#turnStart >= maxTurn;
    return isFull ? "length" : null;
  }

  #canGoOn(end: Finish): boolean {
    const hasTurns = (this.group.request.turns ?? null) !== null;
    return hasTurns && end !== "early-stop" && this.room >= LEAST_ROOM;
  }
}

/** Each turn is searched by itself: a stop string does not begin in what was given. */
function stopStringsOf({ request, decode }: PromptGroup): StopStrings | null {
  const { stopStrings = [] } = request;
  return stopStrings.length === 0 || decode === null ? null : new StopStrings(stopStrings, decode);
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
