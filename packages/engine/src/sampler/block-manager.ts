import { KV_BLOCK } from "@gumshoe/kernels";

/**
 * Allocates the blocks of the KV cache.
 *
 * - An answer's blocks are reserved for its greatest possible length before it starts, so it never has to wait or to
 *   be preempted.
 * - Blocks with the keys and values of a prompt can be kept under a digest, and shared by later prompts that begin alike.
 *   When nobody uses them they count as free, and those unused for longest are overwritten first.
 */
export class BlockManager {
  readonly numBlocks: number;
  /** Free blocks that hold nothing. */
  readonly #empty: number[];
  /** Number of prompts and answers that use each block. */
  readonly #numUsers: Int32Array;
  /** The digest of each block that is kept. */
  readonly #digestOf = new Map<number, string>();
  /** The block that is kept under each digest. */
  readonly #kept = new Map<string, number>();
  /** Kept blocks that nobody uses, those unused for longest first. */
  readonly #unused = new Set<number>();

  constructor(numBlocks: number) {
    this.numBlocks = numBlocks;
    this.#numUsers = new Int32Array(numBlocks);
    this.#empty = Array.from({ length: numBlocks }, (_, i) => numBlocks - 1 - i);
  }

  get numFree(): number {
    return this.#empty.length + this.#unused.size;
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
      const block = this.#empty.pop() ?? this.#overwrite();
      this.#numUsers[block] = 1;
      return block;
    });
  }

  /**
   * Uses the blocks that are kept for the beginning of a prompt, until `release`.
   *
   * @param digests  of its blocks, in order
   * @returns        the blocks of as many of the first digests as are kept
   */
  share(digests: readonly string[]): number[] {
    const blocks: number[] = [];
    for (const digest of digests) {
      const block = this.#kept.get(digest);
      if (block === undefined) break;
      this.#numUsers[block] = (this.#numUsers[block] ?? 0) + 1;
      this.#unused.delete(block);
      blocks.push(block);
    }
    return blocks;
  }

  /** Keeps a used block, whose keys and values are written, under a digest. */
  keep(block: number, digest: string): void {
    if (this.#kept.has(digest) || this.#digestOf.has(block)) return;
    this.#kept.set(digest, block);
    this.#digestOf.set(block, digest);
  }

  /** Ends a use of blocks. */
  release(blocks: readonly number[]): void {
    // A block is of no use without those before it, so the last ones are overwritten first.
    for (const block of blocks.toReversed()) {
      const numUsers = (this.#numUsers[block] ?? 0) - 1;
      this.#numUsers[block] = numUsers;
      if (numUsers > 0) continue;
      if (this.#digestOf.has(block)) this.#unused.add(block);
      else this.#empty.push(block);
    }
  }

  /** Takes the block that has been unused for longest. */
  #overwrite(): number {
    const [block] = this.#unused;
    if (block === undefined) throw new RangeError("no block is free");
    this.#unused.delete(block);
    this.#kept.delete(this.#digestOf.get(block) ?? "");
    this.#digestOf.delete(block);
    return block;
  }
}
