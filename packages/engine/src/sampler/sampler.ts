import { KV_BLOCK } from "@gumshoe/kernels";

import { type Model } from "../model/model.js";
import { type ModelConfig } from "../weights/model-config.js";
import { checkRequest } from "./check-request.js";
import { ModelRunner } from "./model-runner.js";
import { Scheduler } from "./scheduler.js";
import { type SampleRequest, type SampleResult } from "./sequence.js";

/** Options of a sampler. */
export interface SamplerOptions {
  readonly model: Model;
  /** Positions of the KV cache, each shared prompt counted once; default 65,536 */
  readonly kvCacheTokens?: number;
  /** Answers in the running batch; default 256 */
  readonly maxBatch?: number;
  /** Prompt tokens per prefill step; default 2,048 */
  readonly maxPrefillTokens?: number;
}

/** Counters of a sampler's work. */
export interface SamplerStats {
  readonly numPrefillTokens: number;
  readonly numSampledTokens: number;
  readonly numSteps: number;
}

/** Default number of positions in the cache: enough for the longest prompt with an answer. */
export const KV_CACHE_TOKENS = 65_536;

const DEFAULTS = { kvCacheTokens: KV_CACHE_TOKENS, maxBatch: 256, maxPrefillTokens: 2048 };

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
  #stats = { numPrefillTokens: 0, numSampledTokens: 0, numSteps: 0 };

  constructor(options: SamplerOptions) {
    const kvCacheTokens = options.kvCacheTokens ?? DEFAULTS.kvCacheTokens;
    const numBlocks = Math.ceil(kvCacheTokens / KV_BLOCK);
    this.#config = options.model.config;
    this.#runner = new ModelRunner(options.model, numBlocks);
    this.#scheduler = new Scheduler({
      numBlocks,
      maxBatch: options.maxBatch ?? DEFAULTS.maxBatch,
      maxPrefillTokens: options.maxPrefillTokens ?? DEFAULTS.maxPrefillTokens,
    });
  }

  get idle(): boolean {
    return this.#scheduler.idle;
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
    checkRequest(request, this.#config);
    const left = this.#config.maxPositions - request.promptIds.length;
    const maxNewTokens = Math.min(request.maxNewTokens, left);
    this.#scheduler.add({ ...request, maxNewTokens });
  }

  /** Cancels a request; returns false if it is unknown or finished. */
  cancel(id: string): boolean {
    return this.#scheduler.cancel(id);
  }

  /** Prefills some prompts, or samples one token of every running answer; returns the finished requests. */
  step(): SampleResult[] {
    const work = this.#scheduler.schedule();
    if (work === null) return [];
    this.#stats.numSteps += 1;
    if (work.kind === "prefill") {
      this.#runner.prefill(work.groups);
      for (const group of work.groups) {
        this.#stats.numPrefillTokens += group.promptIds.length;
        this.#stats.numSampledTokens += group.sequences.length;
      }
    } else {
      this.#runner.decode(work.sequences);
      this.#stats.numSampledTokens += work.sequences.length;
    }
    return this.#scheduler.settle().map((group) => group.result());
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
}
