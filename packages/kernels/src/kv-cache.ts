import type { Device, Tensor } from "./device.js";
import { KV_BLOCK } from "./native/records.js";

/**
 * Keys and values of one layer in blocks of 16 positions.
 *
 * Per block and key head, keys are transposed, [headDim][16], and values [16][headDim].
 */
export interface KvCache {
  /** [numBlocks, kvHeads, headDim, 16] f32 */
  readonly k: Tensor;
  /** [numBlocks, kvHeads, 16, headDim] f32 */
  readonly v: Tensor;
  readonly numBlocks: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Size of one layer's cache. */
export type KvCacheShape = Pick<KvCache, "numBlocks" | "kvHeads" | "headDim">;

/**
 * Allocates the cache of one layer. The caller frees `k` and `v`.
 *
 * @throws OutOfMemoryError
 */
export function createKvCache(device: Device, shape: KvCacheShape): KvCache {
  const length = shape.numBlocks * KV_BLOCK * shape.kvHeads * shape.headDim;
  const k = device.alloc("f32", length);
  try {
    return { ...shape, k, v: device.alloc("f32", length) };
  } catch (error) {
    device.free(k);
    throw error;
  }
}
