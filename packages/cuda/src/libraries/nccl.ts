import type { DeviceAddress } from "../driver/address.js";
import { ContextHandle, type ContextScope } from "../driver/handle.js";
import type { Stream } from "../driver/stream.js";
import { CheckedCalls } from "../foreign/checked-calls.js";
import { libraryPaths, type LibraryPlaces } from "../foreign/library-paths.js";
import { SharedLibrary } from "../foreign/shared-library.js";
import { status, text } from "../foreign/signatures.js";

/** Every function of NCCL that is called, as nccl.h of NCCL 2 declares it. */
export const NCCL_FUNCTIONS = {
  ncclGetVersion: status("host"),
  ncclGetErrorString: text("i32"),
  ncclGetUniqueId: status("host"),
  ncclCommInitRank: status("host", "i32", "bytes128", "i32"),
  ncclCommDestroy: status("handle"),
  ncclGroupStart: status(),
  ncclGroupEnd: status(),
  ncclAllReduce: status("address", "address", "size", "i32", "i32", "handle", "handle"),
  ncclBroadcast: status("address", "address", "size", "i32", "i32", "handle", "handle"),
  ncclAllGather: status("address", "address", "size", "i32", "handle", "handle"),
} as const;

/** The table's type. */
export type NcclFunctions = typeof NCCL_FUNCTIONS;

const NAMES = { files: ["libnccl.so.2"], packages: ["nccl/lib"] };
const REMEDY = "It comes with the Python package nvidia-nccl-cu13.";
/** `ncclDataType_t`. */
const DATA_TYPES = { i8: 0, i32: 2, f32: 7, f64: 8, bf16: 9 } as const;
/** `ncclRedOp_t`. */
const OPERATIONS = { sum: 0, max: 2 } as const;
const UNIQUE_ID_BYTES = 128;

/** The type of what is sent. */
export type NcclType = keyof typeof DATA_TYPES;

/** Where values are and go; they may be the same. */
export interface NcclTransfer {
  readonly from: DeviceAddress;
  readonly to: DeviceAddress;
  /** Of each rank. */
  readonly count: number;
  readonly type: NcclType;
}

/** NVIDIA's collectives between GPUs. Loaded only here. */
export class Nccl {
  private constructor(private readonly calls: CheckedCalls<NcclFunctions>) {}

  /** @throws MissingLibraryError naming all places where it was looked for */
  static open(places: LibraryPlaces = {}): Nccl {
    const about = { title: "NCCL", paths: libraryPaths(NAMES, places), remedy: REMEDY };
    const library = SharedLibrary.open(NCCL_FUNCTIONS, about);
    return new Nccl(new CheckedCalls(library, (native, code) => native.ncclGetErrorString(code)));
  }

  /** As 10000 major + 100 minor + patch. */
  get version(): number {
    this.calls.call("ncclGetVersion", this.calls.out);
    return this.calls.integer;
  }

  /** Makes the id by which the ranks of a communicator find each other: 128 bytes, for all of them. */
  createId(): Uint8Array {
    const id = new Uint8Array(UNIQUE_ID_BYTES);
    this.calls.call("ncclGetUniqueId", id);
    return id;
  }

  /**
   * Joins a communicator, with one context of a GPU for each rank; returns when all ranks have joined. Ranks of one
   * thread join within a `group`.
   */
  join(
    context: ContextScope,
    member: { readonly id: Uint8Array; readonly rank: number; readonly ranks: number },
  ): Communicator {
    context.enter();
    // Written when the group ends.
    const made = new BigUint64Array(1);
    const { ranks, rank, id } = member;
    this.calls.call("ncclCommInitRank", made, ranks, { bytes: id }, rank);
    return new Communicator(context, this.calls, made);
  }

  /** Begins what `work` calls as one, so that one thread serves several ranks. */
  group<R>(work: () => R): R {
    this.calls.call("ncclGroupStart");
    try {
      return work();
    } finally {
      this.calls.call("ncclGroupEnd");
    }
  }
}

/** One rank of a communicator. */
export class Communicator extends ContextHandle {
  constructor(
    context: ContextScope,
    private readonly nccl: CheckedCalls<NcclFunctions>,
    private readonly made: BigUint64Array,
  ) {
    super("a communicator of NCCL", context);
  }

  /** Reduces the values of all ranks; in which order they are added depends on the number of ranks. */
  allReduce(stream: Stream, transfer: NcclTransfer, operation: keyof typeof OPERATIONS): void {
    const { from, to, count, type } = transfer;
    this.enter();
    this.nccl.call(
      "ncclAllReduce",
      ...([from, to, count, DATA_TYPES[type], OPERATIONS[operation]] as const),
      ...([this.handle, stream.handle] as const),
    );
  }

  /** Sends one rank's values to all. */
  broadcast(stream: Stream, transfer: NcclTransfer, root: number): void {
    const { from, to, count, type } = transfer;
    this.enter();
    this.nccl.call(
      "ncclBroadcast",
      ...([from, to, count, DATA_TYPES[type], root, this.handle, stream.handle] as const),
    );
  }

  /** Puts the values of all ranks one behind the other, by rank; `to` has room for all. */
  allGather(stream: Stream, transfer: NcclTransfer): void {
    const { from, to, count, type } = transfer;
    this.enter();
    this.nccl.call(
      "ncclAllGather",
      ...([from, to, count, DATA_TYPES[type], this.handle, stream.handle] as const),
    );
  }

  private get handle(): number {
    return Number(this.made[0]);
  }

  protected override giveBack(): void {
    if (this.handle !== 0) this.nccl.call("ncclCommDestroy", this.handle);
  }
}
