import { countRowTokens, type Pack, sampledIndices } from "@gumshoe/grpo";
import { type CommandList, ops } from "@gumshoe/kernels";

import { NotFiniteError } from "../errors.js";
import { Batch } from "../model/batch.js";
import { at } from "../model/checked.js";
import { recordEmbedding, recordFinalNorm, recordLayer } from "../model/forward.js";
import type { Model } from "../model/model.js";
import { type TokenDistribution, WHOLE_DISTRIBUTION } from "../model/token-distribution.js";
import { TruncatedRows } from "../model/truncated-rows.js";
import { cutIntoRuns, packBatch, type PackBatch } from "./pack-batch.js";
import { type Checkpointing, Workspace } from "./workspace.js";

/** Log-probs and entropies of a pack's answers: [N] each, the sampled tokens of all in order, in nats. */
export interface PackScores {
  /** -Infinity for a token that the distribution excludes. */
  readonly logprobs: Float32Array;
  /** Of the distribution, over the tokens that it keeps. */
  readonly entropies: Float32Array;
}

interface ForwardOptions {
  readonly checkpointing: Checkpointing;
  readonly backward: boolean;
  /** Whether layers share the activations that are cheap to recompute. */
  readonly sharesTransients: boolean;
}

/** The trainer's forward pass over packs. Its memory grows with the largest batch. */
export class PackForward {
  readonly model: Model;
  readonly batch: Batch;
  readonly list: CommandList;
  readonly #options: ForwardOptions;
  readonly #truncated: TruncatedRows;
  #workspace: Workspace | null = null;
  #truncation: ops.CutTruncation | null = null;

  constructor(model: Model, options: ForwardOptions) {
    this.model = model;
    this.#options = options;
    this.batch = new Batch(model.device);
    this.list = model.device.createCommandList();
    this.#truncated = new TruncatedRows(model.device);
  }

  /** Buffers of the last batch. */
  get workspace(): Workspace {
    if (this.#workspace === null) throw new Error("no batch was run");
    return this.#workspace;
  }

  /** The truncation of the last batch; null if all tokens were kept. */
  get truncation(): ops.CutTruncation | null {
    return this.#truncation;
  }

  /** Computes the log-probs and entropies of a batch of packs under a distribution. */
  run(
    packs: readonly Pack[],
    distribution: TokenDistribution,
  ): { layout: PackBatch; scores: PackScores } {
    const layout = packBatch(packs);
    const { device } = this.model;
    const count = layout.targets.length;
    const workspace = this.#reserve(layout);
    this.batch.load(layout);
    device.write(workspace.predictors, layout.predictors);
    device.write(workspace.targetIds, layout.targets);
    device.write(
      workspace.invTemperature,
      new Float32Array(count).fill(1 / distribution.temperature),
    );
    const places = packs.flatMap(({ answers }) =>
      answers.flatMap((answer) => sampledIndices(answer).map((index) => ({ distribution, index }))),
    );
    this.#truncation = this.#truncated.load(places);
    this.list.reset();
    recordEmbedding(this.list, this.model, this.batch, at(workspace.streams, 0));
    for (let layer = 0; layer < this.model.config.layers; layer++) this.recordLayer(layer);
    this.#recordHead(count);
    this.list.run();
    const scores = { logprobs: new Float32Array(count), entropies: new Float32Array(count) };
    device.read(workspace.logprobs, scores.logprobs);
    device.read(workspace.entropies, scores.entropies);
    return { layout, scores };
  }

  /** Records one layer's forward pass, from its saved residual stream to the next. */
  recordLayer(layer: number): void {
    recordLayer(this.list, this.layerPass(layer));
  }

  /** The buffers of one layer's pass. */
  layerPass(layer: number) {
    const { model, batch, workspace } = this;
    return {
      model,
      batch,
      layer,
      cache: workspace.cache,
      activations: at(workspace.layers, layer),
      x: at(workspace.streams, layer),
      out: at(workspace.streams, layer + 1),
    };
  }

  free(): void {
    this.batch.free();
    this.#truncated.free();
    this.#truncation = null;
    this.#workspace?.free();
    this.#workspace = null;
  }

  #recordHead(count: number): void {
    const { workspace: w, model } = this;
    const { width, vocabularySize: vocabulary, layers } = model.config;
    const x = at(w.streams, layers);
    recordFinalNorm(this.list, model, { ...w, x, sourceRows: this.batch.rows, count });
    ops.headLogprobs(this.list, {
      x: w.normed,
      weight: model.parameters.head.packed,
      targets: w.targetIds,
      invTemperature: w.invTemperature,
      logprobs: w.logprobs,
      entropies: w.entropies,
      stats: w.stats,
      kept: w.logits,
      truncation: this.#truncation,
      rows: count,
      width,
      vocabulary,
    });
  }

  #reserve(layout: PackBatch): Workspace {
    const size = {
      rows: layout.tokens.length,
      targets: layout.targets.length,
      numBlocks: layout.numBlocks,
    };
    const old = this.#workspace;
    if (old !== null && old.fits(size)) return old;
    const grown = (need: number, had: number | undefined) =>
      Math.max(Math.ceil(need * 1.1), had ?? 0);
    // Freed first, so that the old and the new buffers never exist together. If the allocation fails, there is no
    // workspace.
    this.#workspace = null;
    old?.free();
    this.#workspace = new Workspace(this.model, {
      rows: grown(size.rows, old?.rows),
      targets: grown(size.targets, old?.targets),
      numBlocks: grown(size.numBlocks, old?.numBlocks),
      ...this.#options,
    });
    return this.#workspace;
  }
}

/** Scores answers: per-token log-probs and entropies, forward pass only. */
export class Scorer {
  readonly #forward: PackForward;

  constructor(model: Model) {
    this.#forward = new PackForward(model, {
      checkpointing: "layer",
      backward: false,
      sharesTransients: true,
    });
  }

  /**
   * @param distribution  that scores the tokens; default: the model's own
   * @throws NotFiniteError when the model's logits are not finite
   */
  score(pack: Pack, distribution: Partial<TokenDistribution> = {}): PackScores {
    const { scores } = this.#forward.run([pack], { ...WHOLE_DISTRIBUTION, ...distribution });
    // Only a truncation gives a token no probability at all.
    const least = this.#forward.truncation === null ? -Number.MAX_VALUE : -Infinity;
    if (!scores.logprobs.every((value) => value >= least && value <= 0))
      throw new NotFiniteError(pack.groupKey);
    return scores;
  }

  /**
   * Scores packs in batches, with the same bits as one by one.
   *
   * @param maxBatchRows  rows per batch; a larger pack is a batch of its own
   * @throws NotFiniteError
   */
  scoreAll(
    packs: readonly Pack[],
    options: { distribution?: Partial<TokenDistribution>; maxBatchRows: number },
  ): PackScores[] {
    const distribution = { ...WHOLE_DISTRIBUTION, ...options.distribution };
    return cutIntoRuns(packs, options.maxBatchRows, countRowTokens).flatMap((run) => {
      const { layout, scores } = this.#forward.run(run, distribution);
      return run.map(({ groupKey }, i): PackScores => {
        const [start, end] = [at(layout.targetStarts, i), at(layout.targetStarts, i + 1)];
        const logprobs = scores.logprobs.slice(start, end);
        if (!logprobs.every(Number.isFinite)) throw new NotFiniteError(groupKey);
        return { logprobs, entropies: scores.entropies.slice(start, end) };
      });
    });
  }

  /** Frees the memory of activations until packs are scored again. */
  dispose(): void {
    this.#forward.free();
  }
}
