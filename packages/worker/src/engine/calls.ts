/**
 * The calls that the main thread makes to the engine's thread, and their answers. Bulk data lies in
 * shared memory; everything else is copied.
 */
import { type SampledRollout, type OptimizerStep, type SampleRequest } from "@gumshoe/engine";
import { type LossMetrics, type Pack, type TrainingLoss } from "@gumshoe/grpo";
import { type DeviceFault } from "@gumshoe/kernels";

/** Every call by name: its argument and its answer. */
export interface EngineCalls {
  /** Makes a model without weights; one of the same config that is there already loses its weights. */
  loadModel: { argument: { configJson: string; training: boolean }; answer: void };
  /** Takes the flat vector [numParameters] f32 as the weights; answers their digest. */
  setWeights: { argument: { values: SharedArrayBuffer }; answer: string };
  /** Samples one group from the weights with this digest. Several calls at a time share their batches. */
  sample: {
    argument: { request: SampleRequest; weights: string };
    /** `weights` is the digest of those that sampled, as the engine computed it. */
    answer: { rollouts: readonly SampledRollout[]; weights: string };
  };
  /** Computes one lane's gradient into shared memory [numParameters] f32. */
  gradient: {
    argument: {
      packs: readonly Pack[];
      loss: TrainingLoss;
      temperature: number;
      into: SharedArrayBuffer;
      weights: string;
    };
    answer: { metrics: LossMetrics; digest: string; weights: string };
  };
  /** Takes a range of the parameters with its optimizer state, f32 each. */
  assign: {
    argument: { master: SharedArrayBuffer; m: SharedArrayBuffer; v: SharedArrayBuffer };
    answer: { blockDigests: string[] };
  };
  /** Sums lanes in the given order; answers the sums of squares of its blocks. */
  sumLanes: {
    argument: { lanes: SharedArrayBuffer[]; blockSize: number };
    answer: Float64Array;
  };
  /** Moves the parameters, and writes the new ones into shared memory. */
  step: {
    argument: { step: OptimizerStep; into: SharedArrayBuffer };
    answer: { blockDigests: string[] };
  };
  /** Copies the optimizer's moments into shared memory. */
  readMoments: { argument: { m: SharedArrayBuffer; v: SharedArrayBuffer }; answer: void };
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
