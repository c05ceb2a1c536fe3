import { setTimeout as sleep } from "node:timers/promises";

import { type WeightForm, writeWeights } from "@gumshoe/engine";
import type { TensorSource } from "@gumshoe/protocol";
import { findTensorFile, pullTensor, Region, type RegionDirectory } from "@gumshoe/tensors";

import type { Channels } from "../host/channels.js";

/** A vector of weights that a job needs. */
export interface RequiredVector {
  readonly run: string;
  /** Its name on the wire: `weights/<version>`, `base` or `reference/<version>`. */
  readonly tensor: string;
  /** Its layout in a region. */
  readonly form: WeightForm;
  readonly digest: string;
  /** Servers of its ranges. */
  readonly sources: readonly TensorSource[];
}

/** Interval at which a worker checks whether another process of this machine has pulled the weights, in ms. */
const LOOK_EVERY_MS = 50;
/** Processes that publish one region: it is found until all of them have ended. */
const MAX_NAMES = 4;
/** How long it waits for a pull by another process, in ms, so that a hanging process cannot block the others. */
const MAX_WAIT_MS = 60_000;

/**
 * Finds weights for an engine, in one region per machine:
 *
 * - a region that another process of this machine has verified, found by the weights' digest,
 * - or the one into which the reducers of this machine have written all ranges,
 * - or a new one: one process of this machine pulls the ranges into it while others wait.
 *
 * None of them is trusted: the engine computes the digest of the content.
 */
export class WeightRegions {
  readonly #directory: RegionDirectory;
  readonly #channels: Channels;

  constructor({ directory, channels }: { directory: RegionDirectory; channels: Channels }) {
    this.#directory = directory;
    this.#channels = channels;
  }

  /** Opens the region with the weights that another process has verified; null if there is none. */
  find({ form, digest }: RequiredVector): Region | null {
    for (const name of namesOf(digest)) {
      const region = this.#directory.find(name, form.length);
      if (region !== null) return region;
    }
    return null;
  }

  /**
   * Opens the region that holds the ranges of all sources.
   *
   * @returns  null when a source is on another machine, or shares no memory
   * @throws   RpcError
   */
  async ofReducers(wanted: RequiredVector, signal: AbortSignal): Promise<Region | null> {
    const { run, tensor: name, sources, form } = wanted;
    if (!this.#directory.isShared) return null;
    const files = await Promise.all(
      sources.map(({ address, start, end }) => {
        const request = { run, name, start, end };
        return findTensorFile(this.#channels.to(address), request, { signal });
      }),
    );
    const [first] = files;
    if (first === undefined || first === null) return null;
    if (files.some((file) => file?.inode !== first.inode)) return null;
    const region = Region.open(first.path, form.length, first.inode);
    if (region === null) this.#directory.warnOnce(`the reducers' region cannot be opened`);
    return region;
  }

  /**
   * Pulls the weights into a region of this machine; if another process is pulling them, waits for it instead.
   *
   * @param use  called with the region; other processes wait until it has returned
   * @returns    what `use` returned
   * @throws     RpcError when a source does not hold them (any more); the signal's reason
   */
  async pulled<T>(
    wanted: RequiredVector,
    signal: AbortSignal,
    use: (region: Region) => Promise<T>,
  ): Promise<T> {
    const claim = `pull-${wanted.digest}`;
    const giveUpAt = performance.now() + MAX_WAIT_MS;
    for (;;) {
      const region = this.#directory.create(wanted.form.length);
      const isFirst = this.#directory.publish(claim, region) || !this.#directory.isShared;
      const found = this.find(wanted);
      const isMine = found === null && (isFirst || performance.now() > giveUpAt);
      try {
        if (found !== null) return await use(found);
        if (isMine) {
          await this.#pull(wanted, region, signal);
          return await use(region);
        }
      } catch (error) {
        region.close();
        throw error;
      } finally {
        if (isFirst) this.#directory.withdraw(claim);
        if (!isMine) region.close();
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
  }

  /** Publishes verified weights to other processes of this machine. */
  publish({ digest }: RequiredVector, region: Region): void {
    for (const name of namesOf(digest)) if (this.#directory.publish(name, region)) return;
  }

  /** Withdraws a region that does not hold the weights under whose digest it was found. */
  discard({ digest }: RequiredVector): void {
    for (const name of namesOf(digest)) this.#directory.discard(name);
  }

  /** Closes a region. */
  release(digest: string, region: Region): void {
    for (const name of namesOf(digest)) this.#directory.withdraw(name, region);
    region.close();
  }

  async #pull(wanted: RequiredVector, region: Region, signal: AbortSignal): Promise<void> {
    const { run, tensor: name, sources, form } = wanted;
    const write = (values: Float32Array, start: number) =>
      writeWeights(form, region.values, values, start);
    const pulls = await Promise.allSettled(
      sources.map(({ address, start, end }) => {
        const request = { run, name, start, end };
        return pullTensor(this.#channels.to(address), request, write, { signal });
      }),
    );
    // All pulls have ended, so that none writes into memory that was freed.
    for (const pull of pulls) if (pull.status === "rejected") throw pull.reason;
    signal.throwIfAborted();
    region.unmap();
  }
}

/** The names under which processes publish one region: when the process of one ends, the others remain. */
function namesOf(digest: string): string[] {
  const names = Array.from({ length: MAX_NAMES }, (_, i) => `weights-${digest}.${i}`);
  return [`weights-${digest}`, ...names.slice(1)];
}
