/**
 * The calls that the main thread makes to the engine's thread, and their answers. Bulk data lies in
 * regions, which both threads map; everything else is copied.
 */
import { type CheckpointingChoice } from "@gumshoe/config";
import { type SampledRollout, type OptimizerStep, type SampleRequest } from "@gumshoe/engine";
import { type LossMetrics, type Pack, type TrainingLoss } from "@gumshoe/grpo";
import { type DeviceFault } from "@gumshoe/kernels";
import { type WorkSize } from "@gumshoe/memory";
import { type RegionMemory } from "@gumshoe/tensors";

/** Every call by name: its argument and its answer. */
export interface EngineCalls {
  /**
   * Makes a model without weights; one of the same config that is there already loses its weights. A sampler's
   * keys and values are sized by the work; null: as a sampler does by itself.
   */
  loadModel: {
    argument: { configJson: string; training: boolean; work: WorkSize | null };
    answer: void;
  };
  /**
   * Computes with the weights in a region, which holds them in the model's form and is read until others are
   * set or the model is loaded again; answers their digest, as computed from what lies there.
   */
  setWeights: { argument: { weights: RegionMemory }; answer: string };
  /** Samples one group from the weights with this digest. Several calls at a time share their batches. */
  sample: {
    argument: { request: SampleRequest; weights: string };
    /** `weights` is the digest of those that sampled, as the engine computed it. */
    answer: { rollouts: readonly SampledRollout[]; weights: string };
  };
  /** Computes one lane's gradient into a region [numParameters] f32. */
  gradient: {
    argument: {
      packs: readonly Pack[];
      loss: TrainingLoss;
      temperature: number;
      checkpointing: CheckpointingChoice;
      into: RegionMemory;
      weights: string;
    };
    answer: { metrics: LossMetrics; digest: string; weights: string };
  };
  /**
   * Takes elements [start, end) of the parameters, with moments of 0. The region holds the whole vector in
   * the model's form, or as much of it as the range needs.
   */
  assign: {
    argument: { configJson: string; start: number; end: number; weights: RegionMemory };
    answer: { blockDigests: string[] };
  };
  /** Takes a part of the optimizer's moments, from element `at` of the range on. */
  writeMoments: { argument: { at: number; m: Float32Array; v: Float32Array }; answer: void };
  /**
   * Adds the next lane to the sum; the first one begins it. The region holds the gradient from the vector's
   * element `from` on.
   */
  addLane: {
    argument: { isFirst: boolean; lane: RegionMemory; elements: number; from: number };
    answer: void;
  };
  /** Answers the sums of squares of the sum's blocks. */
  sumSquares: { argument: { blockSize: number }; answer: Float64Array };
  /** Moves the parameters, and writes the new ones into a region, from which the next step reads them. */
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

/** Sent now and then: tokens sampled since the thread began. */
export interface TokensSampled {
  readonly tokens: number;
}

/** What the thread is started with. */
export interface EngineOptions {
  readonly threads: number;
  readonly fault: DeviceFault | null;
}
