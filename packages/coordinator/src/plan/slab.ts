/** Bytes of one buffer: hundreds of pieces. */
const BUFFER_BYTES = 1 << 20;
const ALIGNMENT = Int32Array.BYTES_PER_ELEMENT;

/**
 * Keeps many small pieces of data in few large buffers. A run holds texts and tokens of thousands of groups
 * for minutes: one by one they would be work for the garbage collector, at every collection.
 *
 * No piece is given back; a buffer is freed when nothing points into it any more.
 */
export class Slab {
  #buffer = new ArrayBuffer(0);
  #used = 0;

  /** Keeps a text; {@link textOf} returns it. */
  keepText(text: string): Uint8Array {
    const bytes = Buffer.from(text);
    const kept = new Uint8Array(this.#room(bytes.byteLength), this.#used, bytes.byteLength);
    kept.set(bytes);
    this.#advance(bytes.byteLength);
    return kept;
  }

  /** Keeps tokens, [T] i32. */
  keepTokens(tokens: ArrayLike<number>): Int32Array {
    const byteLength = tokens.length * Int32Array.BYTES_PER_ELEMENT;
    const kept = new Int32Array(this.#room(byteLength), this.#used, tokens.length);
    kept.set(tokens);
    this.#advance(byteLength);
    return kept;
  }

  /** Returns the buffer that has room for a piece, from `#used` on. */
  #room(byteLength: number): ArrayBuffer {
    if (this.#used + byteLength > this.#buffer.byteLength) {
      this.#buffer = new ArrayBuffer(Math.max(BUFFER_BYTES, byteLength));
      this.#used = 0;
    }
    return this.#buffer;
  }

  #advance(byteLength: number): void {
    this.#used += Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
  }
}

/** Returns a text that a slab keeps. */
export function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}
