import { InvalidArgumentError } from "@gumshoe/core";

import { KV_BLOCK } from "@gumshoe/kernels";

import { RequestTooLargeError } from "../errors.js";
import type { DecodeText } from "../tokenizer/incremental-decoder.js";
import { BlockManager } from "./block-manager.js";
import { PromptGroup, type SampleRequest, type Sequence } from "./sequence.js";

/** The work of the next step: prompts to prefill, or one token for each of some answers. */
export type Work =
  | { readonly kind: "prefill"; readonly groups: readonly PromptGroup[] }
  | { readonly kind: "decode"; readonly sequences: readonly Sequence[] };

/** Limits of a scheduler. */
export interface SchedulerLimits {
  readonly numBlocks: number;
  /** Blocks to which the cache may grow for a request that needs more than it has. */
  readonly maxBlocks: number;
  /** Answers in the running batch. */
  readonly maxBatch: number;
  /** Prompt tokens per prefill step. */
  readonly maxPrefillTokens: number;
  /** Whether prompts reuse the keys and values of the longest prefix that an earlier prompt has left in the cache; default false. */
  readonly prefixCaching?: boolean;
}

/**
 * Decides which sequences run next. Only the scheduler changes their state: waiting group -> prefilled -> running
 * -> finished. An answer of several turns is between turns outside of the batch, with its keys and values in the cache.
 *
 * - Prompts go first while the batch has room for their answers, so that the batch stays full.
 * - Answers of one prompt stay adjacent, so that attention reads their shared keys once.
 * - With prefix caching, a prompt with a prefix of another one of the same step waits for the next step, and reuses it then.
 */
export class Scheduler {
  readonly #limits: SchedulerLimits;
  #blocks: BlockManager;
  readonly #waiting: PromptGroup[] = [];
  /** Prefilled, with at least one unfinished answer. */
  readonly #active: PromptGroup[] = [];
  #running: Sequence[] = [];
  /** Answers with a further turn that are not in the batch yet, in the order in which they were resumed. */
  #resumed: Sequence[] = [];
  /** Prompts of the current step, whose blocks are cached when it has succeeded. */
  #read: PromptGroup[] = [];

  constructor(limits: SchedulerLimits) {
    this.#limits = limits;
    this.#blocks = new BlockManager(limits.numBlocks);
  }

  get idle(): boolean {
    return this.#waiting.length === 0 && this.#active.length === 0;
  }

  get numRunning(): number {
    return this.#running.length;
  }

  get numWaiting(): number {
    return this.#waiting.length;
  }

  /**
   * @param decode  decodes its answers, if it has stop strings
   * @throws InvalidArgumentError when an unfinished request has that id
   * @throws RequestTooLargeError when even one of its answers cannot fit into the cache
   */
  add(request: SampleRequest, decode: DecodeText | null = null): void {
    if (this.#holds(request.id)) {
      throw new InvalidArgumentError("request", `${request.id} is not finished yet`);
    }
    const group = new PromptGroup(request, decode);
    const needed = promptBlocks(group) + answerBlocks(group);
    const { maxBlocks } = this.#limits;
    if (needed > maxBlocks) throw new RequestTooLargeError(request.id, needed, maxBlocks);
    this.#waiting.push(group);
  }

  /**
   * Number of blocks that the next request needs, if it is more than the cache has and no running request
   * could free any; null while there is progress.
   */
  get missingBlocks(): number | null {
    const [group] = this.#waiting;
    if (group === undefined || this.#active.length > 0) return null;
    const needed = promptBlocks(group) + answerBlocks(group);
    return needed > this.#blocks.numBlocks ? needed : null;
  }

  /** Sets the number of blocks, after the unused cache was replaced. */
  resize(numBlocks: number): void {
    if (this.#active.length > 0) throw new Error("the cache is in use");
    this.#blocks = new BlockManager(numBlocks);
  }

  /** Removes a request in any state; returns false if it is unknown. */
  cancel(id: string): boolean {
    const waiting = this.#waiting.findIndex((group) => group.request.id === id);
    if (waiting >= 0) {
      this.#waiting.splice(waiting, 1);
      return true;
    }
    const group = this.#active.find((active) => active.request.id === id);
    if (group === undefined) return false;
    for (const sequence of group.sequences) sequence.finish ??= "length";
    this.#release(group);
    return true;
  }

  /** Returns an answer that waits for what follows its turn; null for any other. */
  waitingAnswer(id: string, rollout: number): Sequence | null {
    const group = this.#active.find(({ request }) => request.id === id);
    const sequence = group?.sequences[rollout];
    return sequence === undefined || sequence.turnEnd === null ? null : sequence;
  }

  /** Puts an answer that waits into the batch again, behind tokens that were given; null ends it instead. */
  resume(sequence: Sequence, given: ArrayLike<number> | null): void {
    if (given === null) {
      sequence.end();
      this.#free(sequence);
    } else {
      sequence.resume(given);
      // One whose first turn was a single token has no blocks yet: it starts like any other.
      if (sequence.blocks.length > 0) this.#resumed.push(sequence);
    }
  }

  /** Chooses the next step; returns null if there is no work. */
  schedule(): Work | null {
    // Nothing is known of the blocks of a step that failed.
    this.#read = [];
    this.#fillResumed();
    this.#fillBatch();
    const groups = this.#admit();
    if (groups.length > 0) return { kind: "prefill", groups };
    return this.#running.length === 0 ? null : { kind: "decode", sequences: this.#running };
  }

  /** Updates the state after a step; returns the groups whose last answer has ended. */
  settle(): PromptGroup[] {
    for (const { blocks, digests } of this.#read) {
      for (const [i, digest] of digests.entries()) {
        const block = blocks[i];
        if (block !== undefined) this.#blocks.cache(block, digest);
      }
    }
    this.#read = [];
    for (const sequence of this.#running) if (sequence.finish !== null) this.#free(sequence);
    this.#running = this.#running.filter(
      ({ finish, turnEnd }) => finish === null && turnEnd === null,
    );
    const finished = this.#active.filter((group) => group.finished);
    for (const group of finished) this.#release(group);
    return finished;
  }

  /** Moves answers of prefilled groups into the batch, in order, as far as cache and batch have room. */
  #fillBatch(): void {
    let changed = false;
    for (const group of this.#active) {
      for (const sequence of group.sequences) {
        if (!isUnstarted(sequence) || this.#running.length >= this.#limits.maxBatch) continue;
        if (!this.#blocks.canAllocate(answerBlocks(group))) continue;
        sequence.blocks = this.#blocks.allocate(answerBlocks(group));
        this.#running.push(sequence);
        changed = true;
      }
    }
    if (changed) this.#sortRunning();
  }

  /** Moves resumed answers into the batch, as many as its limits leave room for, and one at least. */
  #fillResumed(): void {
    let numGiven = this.#running.reduce((sum, { numUnread }) => sum + numUnread - 1, 0);
    const { maxBatch, maxPrefillTokens } = this.#limits;
    const before = this.#resumed.length;
    for (let next = this.#resumed[0]; next !== undefined; next = this.#resumed[0]) {
      if (this.#running.length >= maxBatch) break;
      if (numGiven > 0 && numGiven + next.numUnread > maxPrefillTokens) break;
      numGiven += next.numUnread;
      this.#running.push(next);
      this.#resumed.shift();
    }
    if (this.#resumed.length < before) this.#sortRunning();
  }

  #free(sequence: Sequence): void {
    this.#blocks.release(sequence.blocks);
    sequence.blocks = [];
  }

  #sortRunning(): void {
    const order = new Map(this.#active.map((group, index) => [group, index]));
    const rank = (sequence: Sequence) => order.get(sequence.group) ?? 0;
    this.#running.sort((a, b) => rank(a) - rank(b) || a.rollout - b.rollout);
  }

  /**
   * Chooses waiting prompts while batch and cache have room for their answers. The first prompt needs room for one
   * answer, so that every group makes progress; later ones also need room for all answers of the prompts before
   * them. While answers wait for blocks, no prompt is prefilled.
   */
  #admit(): PromptGroup[] {
    const admitted: PromptGroup[] = [];
    if (this.#hasUnstarted()) return admitted;
    let tokens = 0;
    let promised = 0;
    let planned = this.#running.length;
    while (planned < this.#limits.maxBatch) {
      const group = this.#waiting[0];
      if (group === undefined) break;
      const most = admitted.length > 0 ? this.#limits.maxPrefillTokens - tokens : Infinity;
      if (!this.#allocatePrompt(group, { admitted, most, promised })) break;
      this.#waiting.shift();
      this.#active.push(group);
      admitted.push(group);
      tokens += group.promptIds.length - group.numCached;
      planned += group.sequences.length;
      promised += group.sequences.length * answerBlocks(group);
    }
    if (this.#limits.prefixCaching === true) this.#read = [...admitted];
    return admitted;
  }

  /**
   * Gives a prompt its blocks, if it can be read in this step.
   *
   * @param step.most      tokens that may be read
   * @param step.promised  blocks that the answers to the admitted prompts need
   */
  #allocatePrompt(
    group: PromptGroup,
    step: { admitted: readonly PromptGroup[]; most: number; promised: number },
  ): boolean {
    const { request, promptIds } = group;
    // All tokens of a prompt that is scored are read.
    const digests =
      this.#limits.prefixCaching === true && request.scoresPrompt !== true ? group.digests : [];
    const cached = this.#blocks.reuse(digests);
    const numCached = cached.length * KV_BLOCK;
    const missing = promptBlocks(group) - cached.length;
    const waits = step.admitted.some((other) => willCache(other, digests, cached.length));
    if (
      waits ||
      promptIds.length - numCached > step.most ||
      !this.#blocks.canAllocate(missing + answerBlocks(group) + step.promised)
    ) {
      this.#blocks.release(cached);
      return false;
    }
    group.numCached = numCached;
    group.blocks = [...cached, ...this.#blocks.allocate(missing)];
    return true;
  }

  /** Returns whether an answer of a prefilled prompt waits for blocks. */
  #hasUnstarted(): boolean {
    return this.#active.some(({ sequences }) => sequences.some(isUnstarted));
  }

  #holds(id: string): boolean {
    const isIt = ({ request }: PromptGroup) => request.id === id;
    return this.#waiting.some(isIt) || this.#active.some(isIt);
  }

  #release(group: PromptGroup): void {
    this.#blocks.release(group.blocks);
    for (const sequence of group.sequences) this.#free(sequence);
    group.blocks = [];
    this.#active.splice(this.#active.indexOf(group), 1);
    this.#running = this.#running.filter((sequence) => sequence.group !== group);
    this.#resumed = this.#resumed.filter((sequence) => sequence.group !== group);
  }
}

/** Returns whether an answer of a prefilled prompt could run if it had blocks. */
function isUnstarted({ finish, turnEnd, blocks }: Sequence): boolean {
  return finish === null && turnEnd === null && blocks.length === 0;
}

/** Returns whether a prompt will cache the block that another one with these digests needs next, behind its first ones. */
function willCache(group: PromptGroup, digests: readonly string[], first: number): boolean {
  return digests.length > first && group.digests[first] === digests[first];
}

function promptBlocks(group: PromptGroup): number {
  return BlockManager.blocksFor(group.promptIds.length);
}

/** The last token of an answer is never read back, so it needs no position; every answer needs at least a block. */
function answerBlocks(group: PromptGroup): number {
  return Math.max(1, BlockManager.blocksFor(group.request.maxNewTokens - 1));
}
