/** What the thread of {@link DiskThread} is told to write. */
export interface BlobOrder {
  readonly id: number;
  readonly folder: string;
  /** The SHA-256 of the bytes. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What became of an order; `problem` is null when the blob is on disk. */
export interface BlobOutcome {
  readonly id: number;
  readonly problem: string | null;
}
