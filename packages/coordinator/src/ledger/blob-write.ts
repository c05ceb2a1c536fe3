/** What the thread of {@link DiskThread} is told to do. */
export type DiskRequest = BlobWrite | HashRequest;

/** Write a blob. */
export interface BlobWrite {
  readonly type: "blob";
  readonly id: number;
  readonly folder: string;
  /** The SHA-256 of the bytes. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Compute the SHA-256 of a file. */
export interface HashRequest {
  readonly type: "hash";
  readonly id: number;
  readonly file: string;
}

/** What became of an order; `problem` is null when it was done. */
export interface DiskOutcome {
  readonly id: number;
  readonly problem: string | null;
  /** The system's code for the problem, e.g. ENOSPC; empty for none. */
  readonly errno: string;
  /** Of the file that was to be hashed; empty for a blob. */
  readonly sha256: string;
}
