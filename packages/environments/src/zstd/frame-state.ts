import type { SequenceTables } from "./entropy-table.js";
import type { HuffmanTable } from "./huffman.js";

/** What the blocks of a frame share. */
export class FrameState {
  /** Offset of the next byte of the output. */
  at: number;
  /** The tables of the block before. */
  tables: SequenceTables | null = null;
  huffman: HuffmanTable | null = null;
  /** The last three offsets, the newest first. */
  readonly #recent: [number, number, number] = [1, 4, 8];

  /** @param start  offset of the frame's first byte in the output */
  constructor(
    readonly output: Uint8Array,
    readonly start: number,
  ) {
    this.at = start;
  }

  /**
   * Returns the offset that a value stands for: itself less 3, or one of the last three.
   *
   * @source RFC 8878, 3.1.1.5
   */
  offset(value: number, hasNoLiterals: boolean): number {
    const recent = this.#recent;
    const index = value > 3 ? 3 : value - 1 + (hasNoLiterals ? 1 : 0);
    if (index === 0) return recent[0];
    const [first, second, third] = recent;
    const chosen = value > 3 ? value - 3 : ([first, second, third, first - 1][index] as number);
    recent[2] = index === 1 ? third : second;
    recent[1] = first;
    recent[0] = chosen;
    return chosen;
  }
}
