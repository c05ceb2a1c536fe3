import { KV_BLOCK } from "@gumshoe/kernels";

import type { Model } from "../model/model.js";
import type { ModelConfig } from "../weights/model-config.js";
import type { DecodeText } from "../tokenizer/incremental-decoder.js";
import { checkGiven, checkRequest } from "./check-request.js";
import { ModelRunner } from "./model-runner.js";
import { Scheduler } from "./scheduler.js";
import type {
  PromptGroup,
  PromptScores,
  SampledToken,
  SampleRequest,
  SampleResult,
  Sequence,
  TurnEnd,
} from "./sequence.js";

/** Options of a sampler. */
export interface SamplerOptions {
  readonly model: Model;
  /** Positions of the KV cache, each shared prompt counted once; default 65,536 */
  readonly kvCacheTokens?: number;
  /**
   * Positions to which the cache may grow for a request that needs more than it has; default:
   * kvCacheTokens
   */
  readonly maxKvCacheTokens?: number;
  /** Answers in the running batch; default 256 */
  readonly maxBatch?: number;
  /** Prompt tokens per prefill step; default 2,048 */
  readonly maxPrefillTokens?: number;
  /**
   * Whether prompts reuse the keys and values of the longest prefix that an earlier prompt has left in the cache; default
   * false. Answers and log-probs have the same bits. The weights must not change.
   */
  readonly prefixCaching?: boolean;
  /** Decodes answers, in which requests search their stop strings; without it these are refused */
  readonly decode?: DecodeText;
  /** Called in each step with the tokens that it sampled, one of each answer in the batch. */
  readonly onTokens?: (tokens: readonly SampledToken[]) => void;
  /** Called with the turns that ended in a step, whose answers wait for `resume`; without it requests with turns are refused. */
  readonly onTurns?: (turns: readonly TurnEnd[]) => void;
  /** Called with the scores of the prompts that a step read, before `onTokens`; without it requests for them are refused. */
  readonly onPromptScores?: (prompts: readonly PromptScores[]) => void;
  /** Called with the prompts that a step read, before `onTokens`. */
  readonly onPrompts?: (prompts: readonly ReadPrompt[]) => void;
}

/** A prompt that a step has read. */
export interface ReadPrompt {
  /** Of the request. */
  readonly id: string;
  /** Tokens of its prefix whose keys and values were in the cache. */
  readonly numCached: number;
}

/** Counters of a sampler's work. */
export interface SamplerStats {
  /** Prompt tokens that were read. */
  readonly numPrefillTokens: number;
  /** Prompt tokens whose keys and values were in the cache. */
  readonly numCachedTokens: number;
  readonly numSampledTokens: number;
  readonly numSteps: number;
}

/** Default options of a sampler. */
export const SAMPLER_DEFAULTS = { kvCacheTokens: 65_536, maxBatch: 256, maxPrefillTokens: 2048 };

/**
 * Samples answers with continuous batching: requests may be added and cancelled at any time.
 *
 * A rollout's tokens and log-probs depend on the weights and its own request only, never on the rest of the batch.
 * Each log-prob equals the trainer's for that token, bit for bit.
 */
export class Sampler {
  readonly #scheduler: Scheduler;
  readonly #runner: ModelRunner;
  readonly #config: ModelConfig;
  readonly #decode: DecodeText | null;
  readonly #onTokens: SamplerOptions["onTokens"];
  readonly #onTurns: SamplerOptions["onTurns"];
  readonly #onPromptScores: SamplerOptions["onPromptScores"];
  readonly #onPrompts: SamplerOptions["onPrompts"];
  #hasWork = false;
  #stats = { numPrefillTokens: 0, numCachedTokens: 0, numSampledTokens: 0, numSteps: 0 };

  constructor(options: SamplerOptions) {
    const kvCacheTokens = options.kvCacheTokens ?? SAMPLER_DEFAULTS.kvCacheTokens;
    const numBlocks = Math.ceil(kvCacheTokens / KV_BLOCK);
    const maxTokens = Math.max(kvCacheTokens, options.maxKvCacheTokens ?? kvCacheTokens);
    this.#config = options.model.config;
    this.#decode = options.decode ?? null;
    this.#onTokens = options.onTokens;
    this.#onTurns = options.onTurns;
    this.#onPromptScores = options.onPromptScores;
    this.#onPrompts = options.onPrompts;
    this.#runner = new ModelRunner(options.model, numBlocks);
    this.#scheduler = new Scheduler({
      numBlocks,
      maxBlocks: Math.ceil(maxTokens / KV_BLOCK),
      maxBatch: options.maxBatch ?? SAMPLER_DEFAULTS.maxBatch,
      maxPrefillTokens: options.maxPrefillTokens ?? SAMPLER_DEFAULTS.maxPrefillTokens,
      prefixCaching: options.prefixCaching ?? false,
    });
  }

  get idle(): boolean {
    return this.#scheduler.idle;
  }

  /** Whether the last step computed anything: while all answers wait between turns, there is nothing to do. */
  get hasWork(): boolean {
    return this.#hasWork;
  }

  get stats(): SamplerStats {
    return { ...this.#stats };
  }

  /**
   * Adds a request. An answer that reaches the model's last position ends there.
   *
   * @throws InvalidArgumentError, RequestTooLargeError
   */
  add(request: SampleRequest): void {
    checkRequest(request, {
      ...this.#config,
      canDecode: this.#decode !== null,
      canWait: this.#onTurns !== undefined,
      canScore: this.#onPromptScores !== undefined,
    });
    const left = this.#config.maxPositions - request.promptIds.length;
    const maxNewTokens = Math.min(request.maxNewTokens, left);
    this.#scheduler.add({ ...request, maxNewTokens }, this.#decode);
  }

  /**
   * Continues an answer that waits after a turn.
   *
   * @param given  tokens that follow the turn, at least one, of which the model then samples the continuation; null ends the answer
   * @returns      false if no such answer waits
   * @throws InvalidArgumentError
   */
  resume(id: string, rollout: number, given: ArrayLike<number> | null): boolean {
    const sequence = this.#scheduler.waitingAnswer(id, rollout);
    if (sequence === null) return false;
    if (given !== null) checkGiven(given, sequence, this.#config.vocabularySize);
    this.#scheduler.resume(sequence, given);
    return true;
  }

  /** Cancels a request; returns false if it is unknown or finished. */
  cancel(id: string): boolean {
    return this.#scheduler.cancel(id);
  }

  /**
   * Prefills some prompts, or samples one token of every running answer; returns the finished requests.
   *
   * @throws OutOfMemoryError, NotFiniteError
   */
  step(): SampleResult[] {
    const missing = this.#scheduler.missingBlocks;
    if (missing !== null) this.#resize(missing);
    const work = this.#scheduler.schedule();
    this.#hasWork = work !== null;
    if (work === null) return this.#settle();
    this.#stats.numSteps += 1;
    if (work.kind === "prefill") {
      this.#runner.prefill(work.groups);
      for (const group of work.groups) {
        this.#stats.numPrefillTokens += group.promptIds.length - group.numCached;
        this.#stats.numCachedTokens += group.numCached;
        this.#stats.numSampledTokens += group.sequences.length;
      }
      this.#onPrompts?.(work.groups.map(({ request: { id }, numCached }) => ({ id, numCached })));
      this.#reportPrompts(work.groups);
      this.#report(work.groups.flatMap((group) => group.sequences));
    } else {
      this.#runner.decode(work.sequences);
      this.#stats.numSampledTokens += work.sequences.length;
      this.#report(work.sequences);
    }
    return this.#settle();
  }

  /** Steps until every request is finished. */
  run(): SampleResult[] {
    const results: SampleResult[] = [];
    while (!this.idle) results.push(...this.step());
    return results;
  }

  dispose(): void {
    this.#runner.dispose();
  }

  #settle(): SampleResult[] {
    return this.#scheduler.settle().map((group) => group.result());
  }

  #reportPrompts(groups: readonly PromptGroup[]): void {
    const scored = groups.flatMap((group): PromptScores[] => {
      const { promptScores: scores } = group;
      group.promptScores = null;
      return scores === null ? [] : [{ id: group.request.id, scores }];
    });
    if (scored.length > 0) this.#onPromptScores?.(scored);
  }

  #report(sequences: readonly Sequence[]): void {
    this.#onTokens?.(sequences.map((sequence) => sequence.lastToken()));
    const ended = sequences.filter(({ turnEnd }) => turnEnd !== null);
    if (ended.length > 0) this.#onTurns?.(ended.map((sequence) => sequence.lastTurn()));
  }

  /** If there is no memory there is no cache, and the next step tries again. */
  #resize(numBlocks: number): void {
    this.#scheduler.resize(0);
    this.#runner.resize(numBlocks);
    this.#scheduler.resize(numBlocks);
  }
}
