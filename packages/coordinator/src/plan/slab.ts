/** Bytes of one buffer: holds hundreds of pieces. */
const BUFFER_BYTES = 1 << 20;

/**
 * Copies many small byte arrays into few large buffers. A run holds the prompts and tasks of
 * thousands of groups for minutes; as separate buffers they would slow every garbage collection.
 *
 * Pieces are not freed one by one; a buffer is freed when no piece of it is referenced any more.
 */
export class Slab {
  #buffer = new ArrayBuffer(0);
  #used = 0;

  /** Copies bytes into the slab; returns a view of the copy. */
  keep(bytes: Uint8Array): Buffer {
    const { byteLength } = bytes;
    if (this.#used + byteLength > this.#buffer.byteLength) {
      this.#buffer = new ArrayBuffer(Math.max(BUFFER_BYTES, byteLength));
      this.#used = 0;
    }
    const kept = Buffer.from(this.#buffer, this.#used, byteLength);
    kept.set(bytes);
    this.#used += byteLength;
    return kept;
  }
}
