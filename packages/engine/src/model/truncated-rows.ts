import type { Device, ops } from "@gumshoe/kernels";

import { Arena } from "./activations.js";
import { bannedIds, isCut, type TokenPlace } from "./token-distribution.js";

type CutTruncation = ops.CutTruncation;

const NO_LIMITS = [0, 1, 0];

/** The truncation of a batch's rows on the device. The buffers grow to the largest batch that needs one. */
export class TruncatedRows {
  readonly #device: Device;
  #arena: Arena;
  #truncation: CutTruncation | null = null;
  #rows = 0;

  constructor(device: Device) {
    this.#device = device;
    this.#arena = new Arena(device);
  }

  /** Copies the limits of each row to the device; returns null if all tokens of every row are kept. */
  load(places: readonly TokenPlace[]): CutTruncation | null {
    const banned = places.map(bannedIds);
    const bannedPerRow = banned.reduce((most, ids) => Math.max(most, ids.length), 0);
    if (bannedPerRow === 0 && !places.some(({ distribution }) => isCut(distribution))) return null;
    const truncation = this.#reserve(places.length, bannedPerRow);
    this.#device.write(truncation.limits, Float32Array.from(places.flatMap(limitsOf)));
    if (truncation.banned === null) return truncation;
    const ids = banned.flatMap((own) =>
      Array.from({ length: truncation.bannedPerRow }, (_, i) => own[i] ?? -1),
    );
    this.#device.write(truncation.banned, Int32Array.from(ids));
    return truncation;
  }

  free(): void {
    this.#arena.free();
    this.#truncation = null;
  }

  /** If the allocation fails, there are no buffers. */
  #reserve(rows: number, bannedPerRow: number): CutTruncation {
    const old = this.#truncation;
    if (old !== null && rows <= this.#rows && bannedPerRow <= old.bannedPerRow) return old;
    const most = Math.max(Math.ceil(rows * 1.25), old === null ? 0 : this.#rows);
    const perRow = Math.max(bannedPerRow, old?.bannedPerRow ?? 0);
    this.free();
    this.#rows = most;
    this.#truncation = Arena.transaction(this.#device, (arena) => {
      this.#arena = arena;
      return {
        limits: arena.f32(3 * most),
        banned: perRow === 0 ? null : arena.i32(perRow * most),
        bannedPerRow: perRow,
        cuts: arena.f32(2 * most),
      };
    });
    return this.#truncation;
  }
}

function limitsOf({ distribution }: TokenPlace): number[] {
  if (!isCut(distribution)) return NO_LIMITS;
  const { topK, topP, minP } = distribution;
  return [topK ?? 0, topP, minP];
}
