import type { Logger } from "@gumshoe/core";
import { workSize } from "@gumshoe/memory";
import { formatTensorName, type TensorSource } from "@gumshoe/protocol";
import type { RegionDirectory } from "@gumshoe/tensors";

import type { EngineThread } from "../engine/engine-thread.js";
import type { Channels } from "../host/channels.js";
import { HeldWeights } from "./held-weights.js";
import type { FrozenWeights, RunAssets } from "./run-assets.js";
import { splitAmong } from "./split-sources.js";
import { type RequiredVector, WeightRegions } from "./weight-regions.js";

/** The model and the weights that a job names. */
export interface RequiredWeights {
  readonly run: string;
  readonly assets: RunAssets;
  readonly version: number;
  readonly digest: string;
  /** Servers of the ranges of this weight version. */
  readonly sources: readonly TensorSource[];
  /** Weights that the divergence in the loss is computed from; null for none. */
  readonly reference: { readonly version: number; readonly digest: string } | null;
}

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
  readonly #training: boolean;
  readonly #queue: Waiting[] = [];
  readonly #weights: HeldWeights;
  /** The frozen weights of a model whose adapter is trained. */
  readonly #base: HeldWeights;
  /** The reference of the divergence in the loss. */
  readonly #reference: HeldWeights;
  #held: { model: string; version: number; digest: string; reference: string | null } | null = null;
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
    const { engine, logger } = options;
    const regions = new WeightRegions(options);
    const held = (call: "setWeights" | "setBase" | "setReference") =>
      new HeldWeights({
        regions,
        logger,
        set: (region) => engine.call(call, { weights: region.memory }),
      });
    this.#engine = engine;
    this.#training = options.training;
    this.#weights = held("setWeights");
    this.#base = held("setBase");
    this.#reference = held("setReference");
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

  #holds({ assets, digest, reference }: RequiredWeights): boolean {
    const held = this.#held;
    return (
      held !== null &&
      held.model === modelOf(assets) &&
      held.digest === digest &&
      held.reference === (reference?.digest ?? null)
    );
  }

  /** Waits for the engine's own calls even after an abort, because they read the regions. */
  async #change(wanted: RequiredWeights, signal: AbortSignal): Promise<void> {
    const { run, assets, version, digest, sources, reference } = wanted;
    const { modelConfigJson: configJson, config, form, base } = assets;
    this.#held = null;
    const work = this.#training ? null : workSize(config, null);
    const model = { configJson, adapter: config.lora };
    const loaded = await this.#engine.call("loadModel", {
      ...model,
      training: this.#training,
      work,
      reference: reference?.digest ?? null,
      tokenizerFiles: this.#training ? null : assets.tokenizerFiles,
    });
    this.#weights.release();
    if (base === null || loaded.base !== base.digest) {
      this.#base.release();
      if (base !== null) await this.#base.take(baseVector(wanted, base), signal);
    }
    if (reference === null || loaded.reference !== reference.digest) {
      this.#reference.release();
      if (reference !== null) {
        await this.#reference.take(referenceVector(wanted, reference), signal);
      }
    }
    const tensor = formatTensorName({ type: "weights", version });
    await this.#weights.take({ run, tensor, form, digest, sources }, signal);
    const held = { model: modelOf(assets), version, digest };
    this.#held = { ...held, reference: reference?.digest ?? null };
  }

  /** Closes the regions of the weights, which the engine must no longer read. */
  release(): void {
    this.#weights.release();
    this.#base.release();
    this.#reference.release();
  }
}

/** Every reducer serves the whole base model, so that each is asked for an equal part of it. */
function baseVector({ run, sources }: RequiredWeights, base: FrozenWeights): RequiredVector {
  const { form, digest } = base;
  const tensor = formatTensorName({ type: "base" });
  return { run, tensor, form, digest, sources: splitAmong(sources, form.numParameters) };
}

/** Every reducer serves the whole reference, too. */
function referenceVector(
  { run, assets: { form }, sources }: RequiredWeights,
  { version, digest }: { readonly version: number; readonly digest: string },
): RequiredVector {
  const tensor = formatTensorName({ type: "reference", version });
  return { run, tensor, form, digest, sources: splitAmong(sources, form.numParameters) };
}

/** Identifies a model, its adapter and its tokenizer, if it decodes, apart from the weights. */
function modelOf({ modelConfigJson, config, base, tokenizerFiles, digest }: RunAssets): string {
  const decoder = tokenizerFiles === null ? null : digest;
  return JSON.stringify([modelConfigJson, config.lora, base?.digest, decoder]);
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
