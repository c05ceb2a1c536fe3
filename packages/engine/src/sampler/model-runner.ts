import {
  type AttentionSpan,
  type CommandList,
  KV_BLOCK,
  type KvCache,
  ops,
  type Tensor,
} from "@gumshoe/kernels";

import { NotFiniteError } from "../errors.js";
import { Arena, type LayerActivations, layerActivations } from "../model/activations.js";
import { Batch, type BatchRows } from "../model/batch.js";
import { at } from "../model/checked.js";
import { recordEmbedding, recordFinalNorm, recordLayer } from "../model/forward.js";
import type { Model } from "../model/model.js";
import { type TokenPlace, WHOLE_DISTRIBUTION } from "../model/token-distribution.js";
import { TruncatedRows } from "../model/truncated-rows.js";
import type { ModelConfig } from "../weights/model-config.js";
import type { PromptGroup, Sequence } from "./sequence.js";
import { type ScoredToken, TokenScorer } from "./token-scorer.js";

/** What a step of a sampler works in, for up to `rows` rows and `samples` answers. */
export interface StepBuffers {
  readonly rows: number;
  readonly samples: number;
  readonly arena: Arena;
  readonly streams: readonly [Tensor, Tensor];
  readonly activations: LayerActivations;
  readonly predictors: Tensor;
  readonly gathered: Tensor;
  readonly normed: Tensor;
  readonly rstd: Tensor;
  readonly invTemperature: Tensor;
  readonly draws: Tensor;
  readonly ids: Tensor;
  readonly logprobs: Tensor;
}

/**
 * Computes the next token of each answer: the trainer's own forward kernels, in one command list per step, over a
 * paged cache of all layers' keys and values.
 */
export class ModelRunner {
  readonly #model: Model;
  /** Owns the caches. */
  #arena: Arena;
  #caches: readonly KvCache[];
  readonly #batch: Batch;
  readonly #list: CommandList;
  readonly #truncated: TruncatedRows;
  readonly #scorer: TokenScorer;
  #buffers: StepBuffers | null = null;

  /** @throws OutOfMemoryError */
  constructor(model: Model, numBlocks: number) {
    this.#model = model;
    this.#batch = new Batch(model.device);
    this.#list = model.device.createCommandList();
    this.#truncated = new TruncatedRows(model.device);
    this.#scorer = new TokenScorer(model);
    [this.#arena, this.#caches] = makeCaches(model, numBlocks);
  }

  /**
   * Replaces the cache by one with another number of blocks; its content is lost.
   *
   * @throws OutOfMemoryError; the sampler then has no cache
   */
  resize(numBlocks: number): void {
    // Freed first, so that the old and the new cache never exist together.
    this.#arena.free();
    this.#caches = [];
    [this.#arena, this.#caches] = makeCaches(this.#model, numBlocks);
  }

  /**
   * Prefills prompts into the cache, samples the first token of all their answers, and scores the tokens of the prompts that ask
   * for it.
   */
  prefill(groups: readonly PromptGroup[]): void {
    const tokens: number[] = [];
    const positions: number[] = [];
    const slots: number[] = [];
    const spans: AttentionSpan[] = [];
    const predictors: number[] = [];
    for (const { promptIds, blocks, numCached, sequences } of groups) {
      const numCachedBlocks = numCached / KV_BLOCK;
      spans.push({
        queryStart: tokens.length,
        queryCount: promptIds.length - numCached,
        prefixBlocks: blocks.slice(0, numCachedBlocks),
        prefixLength: numCached,
        ownBlocks: blocks.slice(numCachedBlocks),
        ownLength: 0,
      });
      for (let position = numCached; position < promptIds.length; position++) {
        tokens.push(at(promptIds, position));
        positions.push(position);
        slots.push(slotOf(blocks, position));
      }
      for (let i = 0; i < sequences.length; i++) predictors.push(tokens.length - 1);
    }
    const sequences = groups.flatMap((group) => group.sequences);
    this.#run(toRows(tokens, positions, { slots, spans }), sequences, predictors);
    for (const [i, group] of groups.entries()) this.#scorePrompt(group, at(spans, i).queryStart);
  }

  /** Reads the tokens of each answer that were not read yet, the last one at least, and samples the next one. */
  decode(sequences: readonly Sequence[]): void {
    const tokens: number[] = [];
    const positions: number[] = [];
    const slots: number[] = [];
    const predictors: number[] = [];
    const spans = sequences.map((sequence): AttentionSpan => {
      const { group, blocks, numRead: ownLength } = sequence;
      const queryStart = tokens.length;
      for (let own = ownLength; own < sequence.tokens.length; own++) {
        tokens.push(at(sequence.tokens, own));
        positions.push(group.promptIds.length + own);
        slots.push(slotOf(blocks, own));
      }
      predictors.push(tokens.length - 1);
      return {
        queryStart,
        queryCount: tokens.length - queryStart,
        prefixBlocks: group.blocks,
        prefixLength: group.promptIds.length,
        ownBlocks: blocks,
        ownLength,
      };
    });
    this.#run(toRows(tokens, positions, { slots, spans }), sequences, predictors);
  }

  dispose(): void {
    this.#arena.free();
    this.#batch.free();
    this.#truncated.free();
    this.#scorer.free();
    this.#buffers?.arena.free();
    this.#buffers = null;
  }

  #run(rows: BatchRows, sequences: readonly Sequence[], predictors: readonly number[]): void {
    const { device, config } = this.#model;
    const count = sequences.length;
    const buffers = this.#reserve(rows.tokens.length, count);
    this.#batch.load(rows);
    device.write(buffers.predictors, Int32Array.from(predictors));
    device.write(buffers.invTemperature, Float32Array.from(sequences, inverseTemperature));
    device.write(buffers.draws, Uint32Array.from(sequences.flatMap((s) => s.draw())));
    const list = this.#list;
    list.reset();
    recordEmbedding(list, this.#model, this.#batch, buffers.streams[0]);
    for (let layer = 0; layer < config.layers; layer++) {
      recordLayer(list, {
        model: this.#model,
        batch: this.#batch,
        layer,
        cache: at(this.#caches, layer),
        activations: buffers.activations,
        x: at(buffers.streams, layer % 2),
        out: at(buffers.streams, (layer + 1) % 2),
      });
    }
    const places = sequences.map(({ group: { distribution }, tokens }) => ({
      distribution,
      index: tokens.length,
    }));
    this.#recordHead(buffers, count, this.#truncated.load(places));
    list.run();
    const ids = new Int32Array(count);
    const logprobs = new Float32Array(count);
    device.read(buffers.ids, ids);
    device.read(buffers.logprobs, logprobs);
    for (const [i, sequence] of sequences.entries()) {
      if (!Number.isFinite(at(logprobs, i))) throw new NotFiniteError(sequence.group.request.id);
      sequence.append(at(ids, i), at(logprobs, i));
    }
    this.#findAlternatives(sequences, { ids, predictors, places });
  }

  /** Finds the alternatives to the tokens that were sampled, for the answers that ask for them. */
  #findAlternatives(
    sequences: readonly Sequence[],
    sampled: { ids: Int32Array; predictors: readonly number[]; places: readonly TokenPlace[] },
  ): void {
    const asking = [...sequences.keys()].filter((i) => numAlternatives(at(sequences, i).group) > 0);
    if (asking.length === 0) return;
    const scores = this.#scorer.score(
      this.#stream,
      asking.map((i) => ({
        row: at(sampled.predictors, i),
        token: at(sampled.ids, i),
        place: at(sampled.places, i),
        numAlternatives: numAlternatives(at(sequences, i).group),
      })),
    );
    for (const [i, { alternatives }] of scores.entries()) {
      at(sequences, at(asking, i)).alternatives = alternatives;
    }
  }

  /** Scores the tokens of a prompt that was just read, if it asks for it. @throws NotFiniteError */
  #scorePrompt(group: PromptGroup, firstRow: number): void {
    const { request, promptIds } = group;
    if (request.scoresPrompt !== true) return;
    const distribution = { ...WHOLE_DISTRIBUTION, temperature: request.temperature };
    const tokens = Array.from(promptIds.subarray(1), (token, i): ScoredToken => {
      const place = { distribution, index: i };
      return { row: firstRow + i, token, place, numAlternatives: numAlternatives(group) };
    });
    const scores = this.#scorer.score(this.#stream, tokens);
    if (!scores.every(({ logprob }) => Number.isFinite(logprob)))
      throw new NotFiniteError(request.id);
    group.promptScores = scores;
  }

  /** The residual stream of the last step, after the last layer. */
  get #stream() {
    const { config } = this.#model;
    if (this.#buffers === null) throw new Error("no step was run");
    return { x: at(this.#buffers.streams, config.layers % 2), rows: this.#batch.rows };
  }

  #recordHead(b: StepBuffers, count: number, truncation: ops.Truncation | null): void {
    const { config, parameters } = this.#model;
    const { width, vocabularySize: vocabulary, layers } = config;
    const x = at(b.streams, layers % 2);
    recordFinalNorm(this.#list, this.#model, { ...b, x, sourceRows: this.#batch.rows, count });
    ops.headSample(this.#list, {
      x: b.normed,
      weight: parameters.head.packed,
      invTemperature: b.invTemperature,
      draws: b.draws,
      ids: b.ids,
      logprobs: b.logprobs,
      truncation,
      rows: count,
      width,
      vocabulary,
    });
  }

  #reserve(rows: number, samples: number): StepBuffers {
    const old = this.#buffers;
    if (old !== null && rows <= old.rows && samples <= old.samples) return old;
    // Freed first, so that the old and the new buffers never exist together. If the allocation fails, there are no
    // buffers.
    this.#buffers = null;
    old?.arena.free();
    const { config, device } = this.#model;
    const most = Math.ceil(Math.max(rows, old?.rows ?? 0) * 1.25);
    const count = Math.ceil(Math.max(samples, old?.samples ?? 0) * 1.25);
    const size = { rows: most, samples: count };
    this.#buffers = Arena.transaction(device, (arena) => stepBuffers(arena, config, size));
    return this.#buffers;
  }
}

function makeCaches({ device, config }: Model, numBlocks: number): [Arena, KvCache[]] {
  return Arena.transaction(device, (arena) => [arena, layerCaches(arena, config, numBlocks)]);
}

/** Allocates the keys and values of all layers. */
export function layerCaches(
  arena: Arena,
  { layers, kvHeads, headDim }: ModelConfig,
  numBlocks: number,
): KvCache[] {
  return Array.from({ length: layers }, () => arena.kvCache({ numBlocks, kvHeads, headDim }));
}

/** Allocates what a step of a sampler works in. */
export function stepBuffers(
  arena: Arena,
  config: ModelConfig,
  { rows, samples }: { rows: number; samples: number },
): StepBuffers {
  const { width } = config;
  return {
    rows,
    samples,
    arena,
    streams: [arena.f32(rows * width), arena.f32(rows * width)],
    activations: layerActivations(arena, config, { rows }),
    predictors: arena.i32(samples),
    gathered: arena.f32(samples * width),
    normed: arena.f32(samples * width),
    rstd: arena.f32(samples),
    invTemperature: arena.f32(samples),
    draws: arena.u32(2 * samples),
    ids: arena.i32(samples),
    logprobs: arena.f32(samples),
  };
}

function numAlternatives({ request }: PromptGroup): number {
  return request.alternatives ?? 0;
}

function inverseTemperature(sequence: Sequence): number {
  const { temperature } = sequence.group.request;
  return temperature === 0 ? 0 : 1 / temperature;
}

function slotOf(blocks: readonly number[], position: number): number {
  return at(blocks, Math.floor(position / KV_BLOCK)) * KV_BLOCK + (position % KV_BLOCK);
}

function toRows(
  tokens: readonly number[],
  positions: readonly number[],
  rest: { slots: readonly number[]; spans: readonly AttentionSpan[] },
): BatchRows {
  return {
    tokens: Int32Array.from(tokens),
    positions: Int32Array.from(positions),
    slots: Int32Array.from(rest.slots),
    spans: rest.spans,
  };
}
