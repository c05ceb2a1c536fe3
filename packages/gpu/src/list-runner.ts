import type { CudaContext, DeviceMemory, Graph, PinnedMemory, Stream } from "@gumshoe/cuda";
import { launchesOf, OPERATIONS, scratchBytesOf, STATUS } from "@gumshoe/kernels";

import type { KernelTable } from "./kernels/kernel-table.js";
import type { BlockCache } from "./memory/block-cache.js";

const NO_FAILURE = 0xffffffff;
const WORD_BYTES = 4;

/** What the lists of a device share. */
export class ListRunner {
  readonly stream: Stream;
  readonly #kernels: KernelTable;
  readonly #blocks: BlockCache;
  /** Kernels lower this u32 to the record of an operation with an id outside its table. */
  readonly #failure: DeviceMemory;
  readonly #failureHere: PinnedMemory;
  #scratch: DeviceMemory;

  constructor(
    context: CudaContext,
    { kernels, blocks }: { readonly kernels: KernelTable; readonly blocks: BlockCache },
  ) {
    this.stream = context.createStream();
    this.#kernels = kernels;
    this.#blocks = blocks;
    this.#failure = blocks.take(WORD_BYTES);
    this.#failureHere = context.allocatePinned(WORD_BYTES);
    this.#scratch = blocks.take(WORD_BYTES);
  }

  /** Where the scratch memory is: a graph that was captured for another place is of no use. */
  get scratchAddress(): number {
    return this.#scratch.address;
  }

  /** Makes sure of the memory that the operations work with; @throws CudaError (RESOURCE_EXHAUSTED) */
  reserve(records: Float64Array, length: number): void {
    let bytes = 0;
    for (const { operation, values } of operationsOf(records, length)) {
      bytes = Math.max(bytes, scratchBytesOf(operation, values));
    }
    if (bytes <= this.#scratch.bytes) return;
    // Given back first, so that both never exist together.
    this.#blocks.give(this.#scratch);
    this.#scratch = this.#blocks.take(WORD_BYTES);
    const larger = this.#blocks.take(bytes);
    this.#blocks.give(this.#scratch);
    this.#scratch = larger;
  }

  /** Puts all launches of the records into the stream. */
  launch(records: Float64Array, length: number): void {
    const { stream } = this;
    const [scratch, failure] = [this.#scratch.address, this.#failure.address];
    stream.fillWords(failure, NO_FAILURE, 1);
    for (const { operation, values, at } of operationsOf(records, length)) {
      const launches = launchesOf(operation, values, { scratch, failure, operation: at });
      for (const one of launches) this.#kernels.launch(stream, one);
    }
  }

  /** Waits for the end of all launches; returns what a list's run returns. */
  finish(): 0 | [status: number, at: number] {
    this.stream.download({ memory: this.#failureHere }, this.#failure.address);
    this.stream.synchronize();
    const { buffer, byteOffset } = this.#failureHere.view;
    const [at = NO_FAILURE] = new Uint32Array(buffer, byteOffset, 1);
    return at === NO_FAILURE ? 0 : [STATUS.badId, at];
  }
}

/**
 * Runs one command list: launch by launch at first; from its first repetition on as a graph, which holds all
 * launches with their addresses.
 */
export class ListRun {
  readonly #runner: ListRunner;
  #graph: { readonly graph: Graph; readonly scratchAddress: number } | null = null;

  constructor(runner: ListRunner) {
    this.#runner = runner;
  }

  run(
    records: Float64Array,
    length: number,
    isRepeated: boolean,
  ): 0 | [status: number, at: number] {
    const runner = this.#runner;
    if (!isRepeated) this.#drop();
    runner.reserve(records, length);
    if (isRepeated) runner.stream.launch(this.#graphOf(records, length));
    else runner.launch(records, length);
    return runner.finish();
  }

  #graphOf(records: Float64Array, length: number): Graph {
    const { scratchAddress, stream } = this.#runner;
    if (this.#graph?.scratchAddress === scratchAddress) return this.#graph.graph;
    this.#drop();
    const graph = stream.capture(() => this.#runner.launch(records, length));
    this.#graph = { graph, scratchAddress };
    return graph;
  }

  #drop(): void {
    this.#graph?.graph.dispose();
    this.#graph = null;
  }
}

function* operationsOf(records: Float64Array, length: number) {
  for (let at = 0; at < length;) {
    const end = at + 2 + (records[at + 1] as number);
    const operation = OPERATIONS[records[at] as number];
    if (operation === undefined) throw new Error(`record ${at} is of no known operation`);
    yield { operation, values: [...records.subarray(at + 2, end)], at };
    at = end;
  }
}
