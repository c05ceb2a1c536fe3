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
  /** Samples the answers to a prompt. Their tokens are sent as they are sampled, in {@link TokenRows}. */
  sample: {
    argument: { request: number; model: number; sample: Omit<SampleRequest, "id"> };
    answer: null;
  };
}

/** Numbers of a token in {@link TokenRows}: request, rollout, token, log-prob, finish. */
export const TOKEN_FIELDS = 5;

/**
 * Tokens of one step, {@link TOKEN_FIELDS} numbers each. A float64 holds a log-prob's float32 and all ids exactly; one
 * array costs less to send than an object for each token.
 */
export type TokenRows = Float64Array;

/** Values of the field `finish`. */
export const FINISH_CODES = [null, "stop", "length", "early-stop", "stop-string"] as const;

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
