import { KV_BLOCK } from "@gumshoe/kernels";

/**
 * Hands out the blocks of the KV cache.
 *
 * An answer's blocks are reserved for its longest possible length before it starts: it never has to
 * wait or to be thrown out in the middle.
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

  /** Blocks that so many positions take. */
  static blocksFor(positions: number): number {
    return Math.ceil(positions / KV_BLOCK);
  }

  canAllocate(blocks: number): boolean {
    return blocks <= this.#free.length;
  }

  /** Takes blocks; ask `canAllocate` before. */
  allocate(blocks: number): number[] {
    if (!this.canAllocate(blocks)) throw new RangeError(`${blocks} blocks, ${this.numFree} free`);
    return this.#free.splice(this.#free.length - blocks, blocks);
  }

  /** Gives blocks back. */
  release(blocks: readonly number[]): void {
    this.#free.push(...blocks);
  }
}
