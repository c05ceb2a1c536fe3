import {
  embeddingShareBytes,
  gradientBytes,
  kvBlockBytes,
  type ModelConfig,
  trainableBytes,
  weightBytes,
} from "@gumshoe/engine";
import { KV_BLOCK } from "@gumshoe/kernels";
import { gigabytes } from "@gumshoe/memory";

/**
 * Writes what a worker's model takes of a GPU's memory, by the sizes that `gumshoe plan` counts with.
 *
 * @param use.rows          of the largest pack so far; 0 where there was none
 * @param use.hasReference  whether the weights of a reference are held, too
 */
export function gpuBill(
  config: ModelConfig,
  use: { readonly training: boolean; readonly rows: number; readonly hasReference: boolean },
): string {
  const parts = [`weights ${gigabytes(weightBytes(config))} GB`];
  if (use.hasReference) parts.push(`reference ${gigabytes(trainableBytes(config))} GB`);
  if (use.training) {
    const gradient = gradientBytes(config) + embeddingShareBytes(config);
    parts.push(`gradient ${gigabytes(gradient)} GB`);
    if (use.rows > 0) parts.push(`the activations of packs of ${use.rows} tokens`);
  } else {
    const bytes = kvBlockBytes(config) / KV_BLOCK;
    parts.push(`keys and values ${gigabytes(1000 * bytes)} GB for each 1000 tokens in flight`);
  }
  return `${parts.join(", ")} (gumshoe plan CONFIG has the whole)`;
}
