/** The calls that the main thread makes to the sampler's thread. */
import type { SampleRequest } from "@gumshoe/engine";
import type { DeviceName, GpuEnvironment } from "@gumshoe/gpu";

import type { AdaptedFolders } from "./adapted-model.js";

/** A model that the thread holds. */
export interface HeldModel {
  /** Identifies it in later calls. */
  readonly model: number;
  /** SHA-256 of its weights, of an adapter's with those of its base. */
  readonly digest: string;
  /** Positions of a prompt and its answer together. */
  readonly maxPositions: number;
  /** Positions of the cache of keys and values. */
  readonly kvCacheTokens: number;
}

/** Every call by name: its argument and its result. */
export interface SamplerCalls {
  /** Opens the device, which comes before all other calls. Returns its name, for people. */
  openDevice: { argument: null; answer: string };
  /** Loads a model beside those that are held. */
  load: { argument: AdaptedFolders; answer: HeldModel };
  /** Frees a model; requests that it still has fail. */
  unload: { argument: { model: number }; answer: null };
  /** Samples the answers to a prompt. Scores of its tokens and the sampled tokens are sent in `StepReport`s. */
  sample: {
    argument: { request: number; model: number; sample: Omit<SampleRequest, "id"> };
    answer: null;
  };
}

/** Data that the thread is started with. */
export interface SamplerThreadData {
  readonly device: DeviceName;
  /** Threads of the CPU; null for all cores. */
  readonly threads: number | null;
  /** Variables by which a GPU's libraries are found. */
  readonly environment: GpuEnvironment;
  /** Positions of the cache of keys and values; null: chosen by the memory that is left. */
  readonly kvCacheTokens: number | null;
}
