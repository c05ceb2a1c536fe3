import { KV_BLOCK } from "@gumshoe/kernels";

/**
 * Allocates the blocks of the KV cache.
 *
 * An answer's blocks are reserved for its greatest possible length before it starts, so it never has to wait or to
 * be preempted.
 */
export class BlockManager {
  readonly numBlocks: number;
  readonly #free: number[];

  constructor(numBlocks: number) {
    this.numBlocks = numBlocks;
    this.#free = Array.from({ length: numBlocks }, (_, i) => numBlocks - 1 - i);
  }

  get numFree(): number {
    return this.#free.length;
  }

  /** Number of blocks that this many positions take. */
  static blocksFor(positions: number): number {
    return Math.ceil(positions / KV_BLOCK);
  }

  canAllocate(blocks: number): boolean {
    return blocks <= this.#free.length;
  }

  /** Allocates blocks; check `canAllocate` first. */
  allocate(blocks: number): number[] {
    if (!this.canAllocate(blocks)) throw new RangeError(`${blocks} blocks, ${this.numFree} free`);
    return this.#free.splice(this.#free.length - blocks, blocks);
  }

  /** Frees blocks. */
  release(blocks: readonly number[]): void {
    this.#free.push(...blocks);
  }
}
