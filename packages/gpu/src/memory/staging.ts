import {
  type CudaContext,
  type CudaEvent,
  type DeviceAddress,
  offsetAddress,
  type PinnedMemory,
  type Stream,
} from "@gumshoe/cuda";

/** Bytes of a piece: large enough for the bus's full rate, small enough that two overlap early. */
const PIECE_BYTES = 4 * 2 ** 20;
const PIECES = 2;
/** Begin of an upload within a piece. */
const ALIGNMENT = 256;

interface Piece {
  readonly memory: PinnedMemory;
  /** Reached when the copies out of or into it have ended. */
  readonly done: CudaEvent;
}

/**
 * Copies between arrays of the host and the GPU through pieces of pinned memory, on a stream of each direction.
 *
 * - An array may be changed as soon as `upload` returns: its bytes are in pinned memory then.
 * - A piece is filled again only when the copies from it have ended.
 */
export class Staging {
  readonly #up: { readonly stream: Stream; readonly pieces: readonly Piece[] };
  readonly #down: { readonly stream: Stream; readonly pieces: readonly Piece[] };
  readonly #uploaded: CudaEvent;
  /** Piece that uploads go through now, and the bytes of it that are taken. */
  #piece = 0;
  #taken = 0;
  #hasUploads = false;

  constructor(context: CudaContext) {
    const pieces = () =>
      Array.from({ length: PIECES }, () => ({
        memory: context.allocatePinned(PIECE_BYTES),
        done: context.createEvent(),
      }));
    this.#up = { stream: context.createStream(), pieces: pieces() };
    this.#down = { stream: context.createStream(), pieces: pieces() };
    this.#uploaded = context.createEvent();
  }

  /** Copies bytes to the device, behind the work that `before` has been put after. */
  upload(to: DeviceAddress, bytes: Uint8Array, before: CudaEvent): void {
    const { stream } = this.#up;
    stream.waitFor(before);
    for (let at = 0; at < bytes.length;) {
      const { memory } = this.#uploadPiece();
      const count = Math.min(bytes.length - at, PIECE_BYTES - this.#taken);
      memory.view.set(bytes.subarray(at, at + count), this.#taken);
      stream.upload(offsetAddress(to, at), { memory, offset: this.#taken, bytes: count });
      this.#taken = Math.min(PIECE_BYTES, Math.ceil((this.#taken + count) / ALIGNMENT) * ALIGNMENT);
      at += count;
    }
    this.#hasUploads = true;
  }

  /** Copies pinned memory to the device, and waits for the end of it. */
  uploadPinned(to: DeviceAddress, memory: PinnedMemory, before: CudaEvent): void {
    const { stream } = this.#up;
    stream.waitFor(before);
    stream.upload(to, { memory });
    stream.synchronize();
  }

  /** Copies from the device to pinned memory, and waits for the end of it. */
  downloadPinned(memory: PinnedMemory, from: DeviceAddress, before: CudaEvent): void {
    const { stream } = this.#down;
    stream.waitFor(before);
    stream.download({ memory }, from);
    stream.synchronize();
  }

  /** Puts the later work of a stream behind all uploads so far. */
  join(stream: Stream): void {
    if (!this.#hasUploads) return;
    this.#hasUploads = false;
    this.#up.stream.record(this.#uploaded);
    stream.waitFor(this.#uploaded);
  }

  /** Copies from the device behind the work that `before` has been put after; returns when it is there. */
  download(into: Uint8Array, from: DeviceAddress, before: CudaEvent): void {
    const { stream, pieces } = this.#down;
    stream.waitFor(before);
    const parts: { piece: Piece; at: number; count: number }[] = [];
    const take = ({ piece, at, count }: (typeof parts)[number]) => {
      piece.done.synchronize();
      into.set(piece.memory.view.subarray(0, count), at);
    };
    for (let at = 0; at < into.length; at += PIECE_BYTES) {
      const piece = pieces[parts.length % PIECES] as Piece;
      const used = parts.at(-PIECES);
      if (used !== undefined) take(used);
      const count = Math.min(PIECE_BYTES, into.length - at);
      stream.download({ memory: piece.memory, bytes: count }, offsetAddress(from, at));
      stream.record(piece.done);
      parts.push({ piece, at, count });
    }
    parts.slice(-PIECES).forEach(take);
  }

  /** Returns a piece with room, waiting for the copies from it if it is filled anew. */
  #uploadPiece(): Piece {
    const { stream, pieces } = this.#up;
    const piece = pieces[this.#piece] as Piece;
    if (this.#taken < PIECE_BYTES) return piece;
    stream.record(piece.done);
    this.#piece = (this.#piece + 1) % PIECES;
    this.#taken = 0;
    const next = pieces[this.#piece] as Piece;
    next.done.synchronize();
    return next;
  }
}
