/**
 * The calls that the main thread makes to the engine's thread, and their results. Bulk data is in regions that both
 * threads map; everything else is copied.
 */
import type { CheckpointingChoice } from "@gumshoe/config";
import type {
  AdapterConfig,
  OptimizerStep,
  SampledRollout,
  SampleRequest,
  TokenDistribution,
  TurnEnd,
} from "@gumshoe/engine";
import type { DeviceName, GpuEnvironment } from "@gumshoe/gpu";
import type { LossMetrics, Pack, TrainingLoss } from "@gumshoe/grpo";
import type { DeviceFault } from "@gumshoe/kernels";
import type { WorkSize } from "@gumshoe/memory";
import type { RegionMemory } from "@gumshoe/tensors";

/** A model as text. */
export interface ModelText {
  /** Content of its `config.json`. */
  readonly configJson: string;
  /** The adapter that is trained while its own weights are frozen; null for none. */
  readonly adapter: AdapterConfig | null;
}

/** Every call by name: its argument and its result. */
export interface EngineCalls {
  /** Opens the device, which comes before all other calls. Returns its name, for people. */
  openDevice: { argument: null; answer: string };
  /**
   * Creates a model without weights; a loaded model of the same config loses all but its frozen ones and the
   * named reference. The work sizes a sampler's cache of keys and values; null for the default size.
   */
  loadModel: {
    argument: ModelText & {
      training: boolean;
      work: WorkSize | null;
      reference: string | null;
      /** The tokenizer's files, if requests may have stop strings. */
      tokenizerFiles?: Readonly<Record<string, string>> | null;
    };
    /** The digests of the frozen weights and of the reference that it still holds; null if there are none. */
    answer: { base: string | null; reference: string | null };
  };
  /**
   * Sets the frozen weights of a model with an adapter, as `setWeights` does, until others are set or another model
   * is loaded. Returns their digest.
   */
  setBase: { argument: { weights: RegionMemory }; answer: string };
  /**
   * Sets the reference of the divergence in the loss, in the form of the weights that training changes, as
   * `setWeights` does, until another is set. Comes after `setBase`. Returns its digest.
   */
  setReference: { argument: { weights: RegionMemory }; answer: string };
  /**
   * Sets the weights that training changes: a region that holds them in their form, which the engine reads until
   * others are set or a model is loaded. Returns their digest, computed from the region's content.
   */
  setWeights: { argument: { weights: RegionMemory }; answer: string };
  /** Samples one group from the weights with this digest. Concurrent calls share batches. */
  sample: {
    argument: {
      request: SampleRequest;
      weights: string;
      /** Identifies a request with turns in `turns` of a notice and in `resume`, as long as the thread runs. */
      conversation?: number;
    };
    /** `weights` is the digest that the engine computed of the weights that it sampled with. */
    answer: { rollouts: readonly SampledRollout[]; weights: string };
  };
  /** Continues an answer behind tokens that follow its turn; null ends it. Without effect when its request is gone. */
  resume: {
    argument: { conversation: number; rollout: number; given: readonly number[] | null };
    answer: void;
  };
  /** Computes one lane's gradient of the trained parameters into a region f32. */
  gradient: {
    argument: {
      packs: readonly Pack[];
      loss: TrainingLoss;
      distribution: TokenDistribution;
      checkpointing: CheckpointingChoice;
      into: RegionMemory;
      weights: string;
      /** Digest of the reference weights; null for a loss without a divergence. */
      reference: string | null;
    };
    answer: { metrics: LossMetrics; digest: string; weights: string };
  };
  /**
   * Sets the shard: elements [start, end) of the trained parameters, with moments of 0. The region holds the whole vector
   * in the model's form, or at least the range.
   */
  assign: {
    argument: ModelText & { start: number; end: number; weights: RegionMemory };
    answer: { blockDigests: string[] };
  };
  /** Sets a part of the optimizer's moments, starting at element `at` of the range. */
  writeMoments: { argument: { at: number; m: Float32Array; v: Float32Array }; answer: void };
  /**
   * Adds the next lane to the sum; the first lane starts a new sum. The region holds the gradient from element
   * `from` of the vector on.
   */
  addLane: {
    argument: { isFirst: boolean; lane: RegionMemory; elements: number; from: number };
    answer: void;
  };
  /** Returns the sums of squares of the summed gradient's blocks. */
  sumSquares: { argument: { blockSize: number }; answer: Float64Array };
  /** Takes an optimizer step and writes the new parameters into a region, which the next step reads. */
  step: {
    argument: { step: OptimizerStep; into: RegionMemory };
    answer: { blockDigests: string[] };
  };
  /** Copies a part of the optimizer's moments. */
  readMoments: {
    argument: { at: number; length: number };
    answer: { m: Float32Array; v: Float32Array };
  };
}

/** Name of a call. */
export type EngineCall = keyof EngineCalls;

/** Sent after each step of the sampler. */
export interface SamplerNotice {
  /** Tokens sampled since the thread started. */
  readonly tokens: number;
  /** Turns that have ended, whose answers wait for `resume`. */
  readonly turns: readonly ConversationTurn[];
}

/** A turn that has ended. */
export interface ConversationTurn extends Omit<TurnEnd, "id"> {
  readonly conversation: number;
}

/** Data that the thread is started with. */
export interface EngineOptions {
  readonly device: DeviceName;
  /** Threads of the CPU. */
  readonly threads: number;
  /** Variables by which a GPU's libraries are found. */
  readonly environment: GpuEnvironment;
  readonly fault: DeviceFault | null;
}
