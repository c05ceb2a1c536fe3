import {
  kvBlockBytes,
  type Model,
  type ModelConfig,
  NotFiniteError,
  openAdapterFolder,
  openModelFolder,
  type PromptScores,
  type ReadPrompt,
  type SampledToken,
  Sampler,
  SAMPLER_DEFAULTS,
  type SampleRequest,
} from "@gumshoe/engine";
import { sha256 } from "@gumshoe/core";
import { type Device, KV_BLOCK } from "@gumshoe/kernels";
import { machineMemory } from "@gumshoe/memory";
import { weightDigestOf } from "@gumshoe/tensors";

import { type AdaptedFolders, loadAdapted } from "./adapted-model.js";
import type { HeldModel } from "./calls.js";

/** Share of the memory that is left which keys and values may take: what else grows must find some, too. */
const SHARE_OF_LEFT = 0.5;

interface Held {
  readonly folder: string;
  readonly model: Model;
  readonly kvCacheTokens: number;
  sampler: Sampler;
}

/** What a step did. */
export interface StepOutcome {
  /** Prompts that were read, each with at least one token in `tokens`. */
  readonly read: readonly ReadPrompt[];
  /** Prompts that were scored, each with at least one token in `tokens`. */
  readonly prompts: readonly PromptScores[];
  readonly tokens: readonly SampledToken[];
  /** Requests that have all their answers. */
  readonly finished: readonly string[];
  /** Requests that failed, with the reason. */
  readonly failed: readonly { readonly ids: readonly string[]; readonly error: unknown }[];
}

/**
 * The models that the sampler's thread holds, each with a sampler of its own: a model that was replaced finishes its
 * requests beside the one that replaced it.
 */
export class HeldModels {
  readonly #device: Device;
  readonly #kvCacheTokens: number | null;
  readonly #held = new Map<number, Held>();
  /** The model of each open request. */
  readonly #requests = new Map<string, number>();
  #next = 1;
  #read: ReadPrompt[] = [];
  #prompts: PromptScores[] = [];
  #tokens: SampledToken[] = [];

  /** @param kvCacheTokens  null: chosen by the memory that is left */
  constructor(device: Device, kvCacheTokens: number | null) {
    this.#device = device;
    this.#kvCacheTokens = kvCacheTokens;
  }

  /** @throws ModelFolderError, ModelConfigError, OtherBaseError, OutOfMemoryError */
  async load(folders: AdaptedFolders): Promise<HeldModel> {
    const source = await openModelFolder(folders.folder);
    try {
      const base = await weightDigestOf(source.layout.numParameters, source.readParameters);
      const digest =
        folders.adapter === null ? base : await adaptedDigest(folders.adapter, source, base);
      const model = await loadAdapted(this.#device, source, folders.adapter);
      const kvCacheTokens = this.#chooseKvCache(model.config);
      const number = this.#next++;
      const folder = folders.adapter ?? folders.folder;
      const sampler = this.#firstSampler(model, kvCacheTokens);
      this.#held.set(number, { folder, model, kvCacheTokens, sampler });
      return { model: number, digest, maxPositions: model.config.maxPositions, kvCacheTokens };
    } finally {
      await source.close();
    }
  }

  /** Frees a model; its open requests are returned as failed. */
  unload(number: number): string[] {
    const held = this.#held.get(number);
    if (held === undefined) return [];
    this.#held.delete(number);
    const ids = this.#takeRequests(number);
    held.sampler.dispose();
    held.model.dispose();
    return ids;
  }

  /** @throws InvalidArgumentError, RequestTooLargeError */
  add(number: number, request: SampleRequest): void {
    const held = this.#held.get(number);
    if (held === undefined) throw new Error(`model ${number} is not held`);
    held.sampler.add(request);
    this.#requests.set(request.id, number);
  }

  cancel(id: string): void {
    const number = this.#requests.get(id);
    if (number === undefined) return;
    this.#requests.delete(id);
    this.#held.get(number)?.sampler.cancel(id);
  }

  get isIdle(): boolean {
    return this.#requests.size === 0;
  }

  /** Samples one more token of every answer in the batch, of each model. */
  step(): StepOutcome {
    this.#read = [];
    this.#prompts = [];
    this.#tokens = [];
    const finished: string[] = [];
    const failed: { ids: string[]; error: unknown }[] = [];
    for (const [number, held] of this.#held) {
      if (held.sampler.idle) continue;
      try {
        for (const { id } of held.sampler.step()) {
          this.#requests.delete(id);
          finished.push(id);
        }
      } catch (thrown) {
        const error = thrown instanceof NotFiniteError ? new NotFiniteError(held.folder) : thrown;
        failed.push({ ids: this.#takeRequests(number), error });
        // Its state after a failed step is unknown.
        held.sampler.dispose();
        held.sampler = this.#newSampler(held.model, held.kvCacheTokens);
      }
    }
    return { read: this.#read, prompts: this.#prompts, tokens: this.#tokens, finished, failed };
  }

  #takeRequests(number: number): string[] {
    const ids = [...this.#requests].filter(([, model]) => model === number).map(([id]) => id);
    for (const id of ids) this.#requests.delete(id);
    return ids;
  }

  /** Makes the sampler of a new model, which is disposed of if there is no memory for one. */
  #firstSampler(model: Model, kvCacheTokens: number): Sampler {
    try {
      return this.#newSampler(model, kvCacheTokens);
    } catch (thrown) {
      model.dispose();
      throw thrown;
    }
  }

  #newSampler(model: Model, kvCacheTokens: number): Sampler {
    return new Sampler({
      model,
      kvCacheTokens,
      // One answer may be as long as the model has positions, in blocks of the prompt's and its own.
      maxKvCacheTokens: model.config.maxPositions + 2 * KV_BLOCK,
      prefixCaching: true,
      onPrompts: (prompts) => this.#read.push(...prompts),
      onTokens: (tokens) => this.#tokens.push(...tokens),
      onPromptScores: (prompts) => this.#prompts.push(...prompts),
    });
  }

  #chooseKvCache(config: ModelConfig): number {
    const leftBytes = this.#device.availableBytes() ?? machineMemory().availableBytes;
    const room = Math.floor((leftBytes * SHARE_OF_LEFT) / kvBlockBytes(config)) * KV_BLOCK;
    const wanted = this.#kvCacheTokens ?? SAMPLER_DEFAULTS.kvCacheTokens;
    return Math.max(KV_BLOCK, Math.min(wanted, room));
  }
}

async function adaptedDigest(
  folder: string,
  base: Parameters<typeof openAdapterFolder>[1],
  baseDigest: string,
): Promise<string> {
  const adapter = await openAdapterFolder(folder, base);
  try {
    const own = await weightDigestOf(adapter.layout.numParameters, adapter.readParameters);
    return sha256(`${baseDigest} ${own}`);
  } finally {
    await adapter.close();
  }
}
