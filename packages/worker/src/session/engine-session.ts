import { type Logger } from "@gumshoe/core";
import { type Region, type RegionDirectory } from "@gumshoe/tensors";

import { type EngineThread } from "../engine/engine-thread.js";
import { WrongWeightsError } from "../errors.js";
import { type Channels } from "../host/channels.js";
import { type RequiredWeights, WeightRegions } from "./weight-regions.js";

/** A job that waits for its weights. */
interface Waiting {
  readonly wanted: RequiredWeights;
  readonly signal: AbortSignal;
  readonly enter: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * The sole owner of the engine's state in an inference or trainer worker: a model and its weights.
 *
 * - Both are identified by content, never by the name of a run or a version number alone.
 * - Jobs that need the current weights enter at once; others wait, in order, until all jobs inside have left. Then
 *   the model is loaded if it differs, a region with the weights is found or created, and the digest that the
 *   engine computes of its content is compared.
 * - After any failure, the engine counts as holding nothing: the next job loads everything again.
 */
export class EngineSession {
  readonly #engine: EngineThread;
  readonly #regions: WeightRegions;
  readonly #logger: Logger;
  readonly #training: boolean;
  readonly #queue: Waiting[] = [];
  /** The region that the engine reads, and the digest under which its weights were found. */
  #region: { digest: string; region: Region } | null = null;
  #held: { model: string; version: number; digest: string } | null = null;
  #inside = 0;
  #changing = false;

  /** @param options.training  whether the engine computes gradients, or samples */
  constructor(options: {
    engine: EngineThread;
    channels: Channels;
    directory: RegionDirectory;
    training: boolean;
    logger: Logger;
  }) {
    this.#engine = options.engine;
    this.#regions = new WeightRegions(options);
    this.#training = options.training;
    this.#logger = options.logger;
  }

  /** The weight version that is held; 0 if there is none. */
  get version(): number {
    return this.#held?.version ?? 0;
  }

  /**
   * Runs `work` while the engine holds the wanted weights.
   *
   * @throws WrongWeightsError; RpcError when a source does not hold them (any more); the signal's reason
   */
  async withWeights<T>(
    wanted: RequiredWeights,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    await this.#enter(wanted, signal);
    try {
      return await work();
    } catch (error) {
      // An aborted call leaves the engine unchanged; after any other failure its state is unknown.
      if (!signal.aborted) this.#held = null;
      throw error;
    } finally {
      this.#inside -= 1;
      void this.#next();
    }
  }

  #enter(wanted: RequiredWeights, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const settled = (settle: () => void) => () => {
        signal.removeEventListener("abort", abort);
        settle();
      };
      const waiting: Waiting = {
        wanted,
        signal,
        enter: settled(resolve),
        reject: (reason) => settled(() => reject(toError(reason)))(),
      };
      const abort = (): void => {
        const index = this.#queue.indexOf(waiting);
        if (index >= 0) this.#queue.splice(index, 1);
        waiting.reject(signal.reason);
        void this.#next();
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#queue.push(waiting);
      void this.#next();
    });
  }

  /** Admits jobs from the front of the queue as long as they need the weights that are held. */
  async #next(): Promise<void> {
    if (this.#changing) return;
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (!this.#holds(first.wanted)) {
        if (this.#inside > 0) return;
        await this.#changeFor(first);
        continue;
      }
      this.#queue.shift();
      this.#inside += 1;
      first.enter();
    }
  }

  /** Makes the engine hold the weights of a job; if that fails, the job leaves the queue. */
  async #changeFor(job: Waiting): Promise<void> {
    this.#changing = true;
    try {
      await this.#change(job.wanted, job.signal);
    } catch (error) {
      const index = this.#queue.indexOf(job);
      if (index >= 0) this.#queue.splice(index, 1);
      job.reject(error);
    } finally {
      this.#changing = false;
    }
  }

  #holds({ assets, digest }: RequiredWeights): boolean {
    const held = this.#held;
    return held !== null && held.model === assets.modelConfigJson && held.digest === digest;
  }

  /** Waits for the engine's own calls even after an abort, because they read the region of the weights. */
  async #change(wanted: RequiredWeights, signal: AbortSignal): Promise<void> {
    const { assets, version, digest } = wanted;
    const { modelConfigJson: configJson } = assets;
    this.#held = null;
    await this.#engine.call("loadModel", { configJson, training: this.#training });
    this.release();
    const regions = this.#regions;
    const found = regions.find(wanted);
    if (found !== null && (await this.#set(wanted, found)) !== digest) regions.discard(wanted);
    if (this.#region === null) {
      const offered = await regions.ofReducers(wanted, signal);
      if (offered !== null) await this.#set(wanted, offered);
    }
    if (this.#region === null) {
      const got = await regions.pulled(wanted, signal, (region) => this.#set(wanted, region));
      if (got !== digest) throw new WrongWeightsError(version, digest, got);
    }
    this.#held = { model: configJson, version, digest };
  }

  /** Closes the region of the weights, which the engine must no longer read. */
  release(): void {
    if (this.#region === null) return;
    this.#regions.release(this.#region.digest, this.#region.region);
    this.#region = null;
  }

  /** Makes the engine read a region; returns the digest of its content. Keeps the region if the digest is right. */
  async #set(wanted: RequiredWeights, region: Region): Promise<string> {
    const { run, version, digest } = wanted;
    let got: string;
    try {
      got = await this.#engine.call("setWeights", { weights: region.memory });
    } catch (error) {
      region.close();
      throw error;
    }
    if (got === digest) {
      this.#region = { digest, region };
      this.#regions.publish(wanted, region);
    } else {
      this.#logger.warn({ run, version, digest, got }, "weights have the wrong digest");
      region.close();
    }
    return got;
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
