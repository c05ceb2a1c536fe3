import { type Logger } from "@gumshoe/core";
import { formatTensorName, pullTensor, type TensorSource } from "@gumshoe/protocol";

import { type EngineThread } from "../engine/engine-thread.js";
import { WrongWeightsError } from "../errors.js";
import { type Channels } from "../host/channels.js";

/** Weights that a job names. */
export interface WantedWeights {
  readonly run: string;
  readonly version: number;
  readonly digest: string;
  readonly sources: readonly TensorSource[];
}

interface Waiting {
  readonly wanted: WantedWeights;
  readonly enter: () => void;
  readonly refuse: (error: unknown) => void;
}

const F32_BYTES = 4;

/**
 * Gives the engine the weights that jobs name, one version at a time.
 *
 * - Jobs of the version that is held enter at once; a job of another version waits until the ones
 *   inside have left, then its version is pulled, checked and set.
 * - Weights with the wrong digest are never computed with.
 */
export class WeightKeeper {
  readonly #engine: EngineThread;
  readonly #channels: Channels;
  readonly #logger: Logger;
  readonly #queue: Waiting[] = [];
  #memory = new SharedArrayBuffer(0);
  #held: { run: string; version: number; digest: string } | null = null;
  #inside = 0;
  #changing = false;

  constructor(options: { engine: EngineThread; channels: Channels; logger: Logger }) {
    this.#engine = options.engine;
    this.#channels = options.channels;
    this.#logger = options.logger;
  }

  /** The version that is held; 0 before the first. */
  get version(): number {
    return this.#held?.version ?? 0;
  }

  /**
   * Runs `work` while the engine holds the wanted weights.
   *
   * @throws WrongWeightsError; RpcError when a source does not hold them (any more)
   */
  async during<T>(wanted: WantedWeights, work: () => Promise<T>): Promise<T> {
    await this.#enter(wanted);
    try {
      return await work();
    } finally {
      this.#inside -= 1;
      void this.#next();
    }
  }

  #enter(wanted: WantedWeights): Promise<void> {
    return new Promise((enter, refuse) => {
      this.#queue.push({ wanted, enter, refuse });
      void this.#next();
    });
  }

  async #next(): Promise<void> {
    if (this.#changing) return;
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (!this.#holds(first.wanted)) {
        if (this.#inside > 0) return;
        this.#changing = true;
        try {
          await this.#change(first.wanted);
        } catch (error) {
          this.#queue.shift();
          first.refuse(error);
          continue;
        } finally {
          this.#changing = false;
        }
      }
      this.#queue.shift();
      this.#inside += 1;
      first.enter();
    }
  }

  #holds({ run, digest }: WantedWeights): boolean {
    return this.#held !== null && this.#held.run === run && this.#held.digest === digest;
  }

  async #change(wanted: WantedWeights): Promise<void> {
    const { run, version, digest, sources } = wanted;
    const elements = sources.reduce((most, source) => Math.max(most, source.end), 0);
    if (this.#memory.byteLength !== elements * F32_BYTES) {
      this.#memory = new SharedArrayBuffer(elements * F32_BYTES);
    }
    this.#held = null;
    const flat = new Float32Array(this.#memory);
    const name = formatTensorName({ type: "weights", version });
    await Promise.all(
      sources.map(({ address, start, end }) =>
        pullTensor(
          this.#channels.to(address),
          { run, name, start, end, digest },
          flat.subarray(start, end),
        ),
      ),
    );
    const got = await this.#engine.call("setWeights", { values: this.#memory });
    if (got !== digest) {
      this.#logger.warn({ run, version, digest, got }, "pulled weights have the wrong digest");
      throw new WrongWeightsError(version, digest, got);
    }
    this.#held = { run, version, digest };
  }
}
