import { KV_BLOCK } from "@gumshoe/kernels";

/**
 * Allocates the blocks of the KV cache.
 *
 * - An answer's blocks are reserved for its greatest possible length before it starts, so it never has to wait or to
 *   be preempted.
 * - Prefix caching: blocks with the keys and values of a prompt are cached under a digest, and reused by later prompts with
 *   the same prefix. A cached block whose use count is zero counts as free; the least recently used one is evicted first.
 */
export class BlockManager {
  readonly numBlocks: number;
  /** Free blocks that hold nothing. */
  readonly #empty: number[];
  /** Use count of each block: prompts and answers that hold it. */
  readonly #useCounts: Int32Array;
  /** The digest of each cached block. */
  readonly #digestOf = new Map<number, string>();
  /** The cached block of each digest. */
  readonly #cached = new Map<string, number>();
  /** Cached blocks with a use count of zero, the least recently used first. */
  readonly #evictable = new Set<number>();

  constructor(numBlocks: number) {
    this.numBlocks = numBlocks;
    this.#useCounts = new Int32Array(numBlocks);
    this.#empty = Array.from({ length: numBlocks }, (_, i) => numBlocks - 1 - i);
  }

  get numFree(): number {
    return this.#empty.length + this.#evictable.size;
  }

  /** Number of blocks that this many positions take. */
  static blocksFor(positions: number): number {
    return Math.ceil(positions / KV_BLOCK);
  }

  canAllocate(blocks: number): boolean {
    return blocks <= this.numFree;
  }

  /** Allocates blocks; check `canAllocate` first. */
  allocate(blocks: number): number[] {
    if (!this.canAllocate(blocks)) throw new RangeError(`${blocks} blocks, ${this.numFree} free`);
    return Array.from({ length: blocks }, () => {
      const block = this.#empty.pop() ?? this.#evict();
      this.#useCounts[block] = 1;
      return block;
    });
  }

  /**
   * Holds the cached blocks of a prompt's longest cached prefix, until `release`.
   *
   * @param digests  of the prompt's blocks, in order
   */
  reuse(digests: readonly string[]): number[] {
    const blocks: number[] = [];
    for (const digest of digests) {
      const block = this.#cached.get(digest);
      if (block === undefined) break;
      this.#useCounts[block] = (this.#useCounts[block] ?? 0) + 1;
      this.#evictable.delete(block);
      blocks.push(block);
    }
    return blocks;
  }

  /** Caches a block, whose keys and values are written, under a digest. */
  cache(block: number, digest: string): void {
    if (this.#cached.has(digest) || this.#digestOf.has(block)) return;
    this.#cached.set(digest, block);
    this.#digestOf.set(block, digest);
  }

  /** Decrements the use counts of blocks. */
  release(blocks: readonly number[]): void {
    // A block can only be reused with those before it, so the last ones are evicted first.
    for (const block of blocks.toReversed()) {
      const useCount = (this.#useCounts[block] ?? 0) - 1;
      this.#useCounts[block] = useCount;
      if (useCount > 0) continue;
      if (this.#digestOf.has(block)) this.#evictable.add(block);
      else this.#empty.push(block);
    }
  }

  /** Removes the least recently used block from the cache. */
  #evict(): number {
    const [block] = this.#evictable;
    if (block === undefined) throw new RangeError("no block is free");
    this.#evictable.delete(block);
    this.#cached.delete(this.#digestOf.get(block) ?? "");
    this.#digestOf.delete(block);
    return block;
  }
}
