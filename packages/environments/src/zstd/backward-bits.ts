import { ZstdError } from "../errors.js";

/**
 * Reads bits from the end of a part of a buffer to its beginning, as entropy-coded parts of Zstandard are read. The
 * highest bit that is set in the last byte marks the end of the bits.
 *
 * @source RFC 8878, 4.1 and 4.2.2
 */
export class BackwardBits {
  readonly #bytes: Uint8Array;
  /** Bits that are left; negative when more were read than there are. */
  #left: number;

  /** @throws ZstdError when there is no mark of the end */
  constructor(bytes: Uint8Array) {
    const last = bytes[bytes.length - 1] ?? 0;
    if (last === 0) throw new ZstdError("a bit stream has no end");
    this.#bytes = bytes;
    this.#left = bytes.length * 8 - 8 + (31 - Math.clz32(last));
  }

  get left(): number {
    return this.#left;
  }

  /** Reads up to 32 bits. Bits before the beginning are 0, and make `left` negative. */
  read(count: number): number {
    if (count > 24) return this.read(count - 16) * 0x1_0000 + this.read(16);
    const value = this.peek(count);
    this.#left -= count;
    return value;
  }

  /** Returns the next bits, up to 24, and stays where it is. */
  peek(count: number): number {
    const start = this.#left - count;
    if (start < 0) {
      const there = this.#left > 0 ? this.#window(0) & ((1 << this.#left) - 1) : 0;
      return start > -25 ? there << -start : 0;
    }
    return (this.#window(start) >>> (start & 7)) & ((1 << count) - 1);
  }

  /** Skips bits that were looked at. */
  advance(count: number): void {
    this.#left -= count;
  }

  #window(bit: number): number {
    const bytes = this.#bytes;
    const at = bit >>> 3;
    if (at + 3 < bytes.length) {
      return (
        (bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24)
      );
    }
    return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
  }
}
