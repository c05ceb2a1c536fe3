import { type CudaContext, CudaError, type DeviceMemory } from "@gumshoe/cuda";

/** Sizes of blocks are multiples of this, or of an eighth of the power of two below them. */
const GRAIN_BYTES = 512;
/**
 * The largest block that is kept when it is freed. Larger ones are allocated once a job, and other processes may
 * want the memory of the same GPU.
 */
const LARGEST_KEPT_BYTES = 64 * 2 ** 20;

/**
 * A caching allocator: freed blocks are kept by their size, since the driver's own allocation waits for the GPU.
 *
 * - A block that is taken again holds what was there before.
 * - When memory runs out, all that is kept is given back first.
 */
export class BlockCache {
  readonly #context: CudaContext;
  readonly #free = new Map<number, DeviceMemory[]>();
  #keptBytes = 0;

  constructor(context: CudaContext) {
    this.#context = context;
  }

  /** Bytes of the blocks that are kept. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Takes a block of at least this many bytes; @throws CudaError (RESOURCE_EXHAUSTED) */
  take(bytes: number): DeviceMemory {
    const size = blockBytes(bytes);
    const kept = this.#free.get(size)?.pop();
    if (kept !== undefined) {
      this.#keptBytes -= size;
      return kept;
    }
    try {
      return this.#context.allocate(size);
    } catch (thrown) {
      if (!(thrown instanceof CudaError) || thrown.code !== "RESOURCE_EXHAUSTED") throw thrown;
      this.release();
      return this.#context.allocate(size);
    }
  }

  /** Frees a block: all work that uses it must be before whatever uses it next. */
  give(block: DeviceMemory): void {
    if (!block.isAlive) return;
    if (block.bytes > LARGEST_KEPT_BYTES) {
      block.dispose();
      return;
    }
    const same = this.#free.get(block.bytes) ?? [];
    same.push(block);
    this.#free.set(block.bytes, same);
    this.#keptBytes += block.bytes;
  }

  /** Gives all kept blocks back to the driver. */
  release(): void {
    for (const blocks of this.#free.values()) for (const block of blocks) block.dispose();
    this.#free.clear();
    this.#keptBytes = 0;
  }
}

/** Rounds a size up, by an eighth at most, so that blocks of about one size serve each other. */
function blockBytes(bytes: number): number {
  let grain = GRAIN_BYTES;
  while (grain * 16 <= bytes) grain *= 2;
  return Math.max(1, Math.ceil(bytes / grain)) * grain;
}
