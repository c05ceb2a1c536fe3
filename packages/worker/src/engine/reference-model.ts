import { Model, type ModelConfig, Scorer, type TokenDistribution } from "@gumshoe/engine";
import type { Pack } from "@gumshoe/grpo";
import type { Device, Tensor } from "@gumshoe/kernels";

import type { PlacedRegion } from "./placed-region.js";
import { digestOf } from "./tensor-digests.js";

/**
 * The model of the reference weights: it scores packs, and is not trained. With an adapter it has the
 * same frozen weights as the trained model, and the reference's adapter.
 */
export class ReferenceModel {
  /** Digest of the reference weights, computed from their memory. */
  readonly digest: string;
  readonly #placed: PlacedRegion;
  readonly #model: Model;
  readonly #scorer: Scorer;

  /**
   * @param weights.placed  the reference weights, in the form of trained weights; freed with the model
   * @param weights.base    the frozen weights where the config has an adapter; else null
   */
  constructor(
    device: Device,
    config: ModelConfig,
    { placed, base }: { placed: PlacedRegion; base: Tensor | null },
  ) {
    this.#placed = placed;
    this.#model = new Model({ device, config, training: false });
    this.#scorer = new Scorer(this.#model);
    if (base === null) this.#model.useWeights(placed.tensor);
    else {
      this.#model.useWeights(base);
      this.#model.useAdapter(placed.tensor);
    }
    this.digest = digestOf(device, this.#model.trainable.form, placed.tensor);
  }

  /**
   * Computes the log-probs of packs. Its activations are freed afterwards: they take no more than those
   * of the gradient, which come next.
   *
   * @returns  per pack [N] f32, all answers' tokens in order, in nats
   */
  logprobs(
    packs: readonly Pack[],
    options: { readonly distribution: TokenDistribution; readonly maxBatchRows: number },
  ): Float32Array[] {
    try {
      return this.#scorer.scoreAll(packs, options).map(({ logprobs }) => logprobs);
    } finally {
      this.#scorer.dispose();
    }
  }

  /** Frees the model and the placed weights. */
  dispose(): void {
    this.#scorer.dispose();
    this.#model.dispose();
    this.#placed.free();
  }
}
