/** Bytes of one buffer: hundreds of pieces. */
const BUFFER_BYTES = 1 << 20;

/**
 * Keeps many small pieces of data in few large buffers. A run holds prompts and tasks of thousands of groups
 * for minutes: one by one they would be work for the garbage collector, at every collection.
 *
 * No piece is given back; a buffer is freed when nothing points into it any more.
 */
export class Slab {
  #buffer = new ArrayBuffer(0);
  #used = 0;

  /** Copies bytes into the slab, and returns them as they lie there. */
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
