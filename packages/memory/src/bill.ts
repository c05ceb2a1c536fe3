/**
 * The memory of a run on one machine, computed from its config and the shape of its model.
 *
 * - Weights are counted once: the processes of one machine map the same version. The frozen weights of a run that
 *   trains an adapter are mapped by samplers and trainers, and held by no reducer.
 * - Sampling, gradients and the optimizer's step take turns; the peak is the largest of the three. With `staleness`
 *   sampling takes place beside the other two, and reducers keep older versions of the weights.
 * - Sizes of tensors are the engine's own (`engine-bytes.ts`); what else a process takes was measured.
 */
import { type RunConfig, stalenessOf } from "@gumshoe/config";
import {
  type Checkpointing,
  embeddingShareBytes,
  gradientBytes,
  kvBlockBytes,
  type ModelConfig,
  parameterLayout,
  SAMPLER_DEFAULTS,
  samplerBytes,
  shardBytes,
  trainableBytes,
  trainableLayout,
  weightBytes,
  withAdapter,
  workspaceBytes,
} from "@gumshoe/engine";

import { chooseCheckpointing, largestBatch } from "./checkpointing.js";
import { controlBytes, workerBytes } from "./fixed-costs.js";
import { kvCacheBlocks } from "./kv-cache.js";
import { answersInFlight, type MeasuredTokens, type WorkSize, workSize } from "./work-size.js";

/** Size of the weights, in bytes, from which workers free their buffers between jobs. */
export const RELEASED_FROM_BYTES = 64 * 2 ** 20;

/** The workers of one machine. */
export interface Workers {
  readonly inference: number;
  readonly trainers: number;
  readonly reducers: number;
  /** Reducers of the whole cluster, which share the parameters; default: those of this machine. */
  readonly allReducers?: number;
  /** Whether coordinator, Redis and the command are there, too; default: yes. */
  readonly hasControl?: boolean;
}

/** What a run is billed by. */
export interface BilledRun {
  readonly config: RunConfig;
  /** The shape of its model; the adapter that the config describes is added. */
  readonly model: ModelConfig;
  /** Null where tasks could not be looked at: prompts count as the longest that a pack allows. */
  readonly tokens: MeasuredTokens | null;
}

/** Bytes of one worker that has a machine to itself. */
export interface RoleBill {
  readonly weights: number;
  readonly optimizer: number;
  readonly gradients: number;
  readonly activations: number;
  readonly keysAndValues: number;
  readonly fixed: number;
  readonly total: number;
}

/** The parts of a run's work that take turns. */
export type Phase = "sampling" | "gradients" | "step";

/** Bytes of a run on one machine. */
export interface Bill {
  readonly inference: RoleBill;
  readonly trainer: RoleBill;
  readonly reducer: RoleBill;
  /** Coordinator, Redis and the command. */
  readonly control: number;
  readonly phases: Readonly<Record<Phase, number>>;
  /** The phase that takes most, and what it takes. */
  readonly peak: Phase;
  readonly total: number;
  /** Which activations trainers keep. */
  readonly checkpointing: Checkpointing;
  /** Numbers of the model, without an adapter's. */
  readonly numParameters: number;
  /** Numbers that are trained: the adapter's, or else all. */
  readonly numTrained: number;
}

/**
 * Computes the bill.
 *
 * @param limitBytes  what the machine has, by which `auto` decides; Infinity where it is not known
 */
export function billOf(run: BilledRun, workers: Workers, limitBytes: number): Bill {
  const { config } = run;
  const model = withAdapter(run.model, config.lora);
  const work = workSize(config, run.tokens);
  const sizes = sizesOf(config, model, workers);
  const base = baseBytes(sizes, workers);
  const left = Math.max(0, limitBytes - base);
  const { inference, trainers } = workers;
  const forTrainers = left - trainers * sizes.gradient;
  const checkpointing = chooseCheckpointing(config.checkpointing, model, {
    pack: work.pack,
    leftBytes: forTrainers / Math.max(1, trainers),
  });
  const batch = largestBatch(model, work.pack, { numPacks: work.packsPerLane, checkpointing });
  const activations = workspaceBytes(model, batch);
  const blocks = kvCacheBlocks(model, work, left / Math.max(1, inference));
  const keysAndValues = blocks * kvBlockBytes(model);
  const stepActivations = work.samples ? samplerBytes(model, largestStep(work)) : 0;
  const kept = keptBytes({
    sizes,
    workers,
    activations,
    sampling: keysAndValues + stepActivations,
  });
  const sampling = inference * (keysAndValues + stepActivations);
  const beside = stalenessOf(config) > 0 ? sampling : 0;
  const phases = {
    sampling: base + Math.max(kept, sampling),
    gradients:
      base +
      Math.max(kept, beside + trainers * (sizes.gradient + activations)) +
      heldLanes(sizes, work, workers),
    step: base + Math.max(kept, beside) + sizes.nextVersion + sizes.oldVersion,
  };
  const peak = (["gradients", "sampling", "step"] as const).reduce((a, b) =>
    phases[b] > phases[a] ? b : a,
  );
  const fixed = workerBytes(model.vocabularySize);
  const { frozen, version, reference, gradient, share } = sizes;
  return {
    inference: role({
      weights: frozen + version,
      activations: stepActivations,
      keysAndValues,
      fixed,
    }),
    trainer: role({
      weights: frozen + version + reference,
      gradients: gradient + share,
      activations,
      fixed,
    }),
    reducer: role({
      weights: (2 + stalenessOf(config)) * version * sizes.reducerShare,
      optimizer: sizes.moments * sizes.reducerShare,
      gradients: sizes.sum * sizes.reducerShare,
      fixed,
    }),
    control: controlBytes(model.vocabularySize),
    phases,
    peak,
    total: phases[peak],
    checkpointing,
    numParameters: sizes.numParameters,
    numTrained: sizes.numTrained,
  };
}

interface Sizes {
  readonly numParameters: number;
  readonly numTrained: number;
  /** Weights that no update changes. */
  readonly frozen: number;
  /** One version of those that updates change. */
  readonly version: number;
  /** Weights that the divergence in the loss is computed from; trainers map them. */
  readonly reference: number;
  readonly nextVersion: number;
  readonly oldVersion: number;
  /** Older versions that samplers lag behind by, in all phases. */
  readonly staleVersions: number;
  readonly gradient: number;
  readonly share: number;
  /** Of all trained numbers. */
  readonly moments: number;
  readonly sum: number;
  /** Part of the parameters that one reducer has. */
  readonly reducerShare: number;
  readonly fixed: number;
  readonly control: number;
}

function sizesOf(config: RunConfig, model: ModelConfig, workers: Workers): Sizes {
  const { reducers, allReducers = reducers, hasControl = true } = workers;
  const numTrained = trainableLayout(model).numParameters;
  const version = trainableBytes(model);
  const { moments, sum } = shardBytes(numTrained);
  const hasReducers = reducers > 0;
  // Inference workers map the version that they sampled from until they sample again.
  const staleness = stalenessOf(config);
  const isOldKept = config.updatesPerIteration > 1 && workers.inference > 0 && staleness === 0;
  const isBesideTrainers = workers.inference > 0 && workers.trainers > 0;
  const numStale = hasReducers ? staleness : Math.min(staleness, isBesideTrainers ? 1 : 0);
  return {
    numParameters: parameterLayout(model).numParameters,
    numTrained,
    frozen: model.adapter === null ? 0 : weightBytes(model),
    version,
    reference: hasReference(config) ? version : 0,
    nextVersion: hasReducers ? version : 0,
    oldVersion: hasReducers && isOldKept ? version : 0,
    staleVersions: numStale * version,
    gradient: gradientBytes(model),
    share: embeddingShareBytes(model),
    moments,
    sum,
    reducerShare: 1 / Math.max(1, allReducers),
    fixed: workerBytes(model.vocabularySize),
    control: hasControl ? controlBytes(model.vocabularySize) : 0,
  };
}

function hasReference(config: RunConfig): boolean {
  return config.type === "grpo" && config.loss.klCoefficient > 0;
}

/** What is held in all phases. */
function baseBytes(sizes: Sizes, { inference, trainers, reducers }: Workers): number {
  const processes = inference + trainers + reducers;
  const states = reducers * sizes.reducerShare * (sizes.moments + sizes.sum);
  const reference = trainers > 0 ? sizes.reference : 0;
  const versions = sizes.version + sizes.staleVersions;
  const weights = processes > 0 ? sizes.frozen + versions + reference : 0;
  return sizes.control + processes * sizes.fixed + weights + states + trainers * sizes.share;
}

/** Buffers that workers keep between jobs: all those of a small model, which are not worth freeing. */
function keptBytes(of: {
  sizes: Sizes;
  workers: Workers;
  activations: number;
  sampling: number;
}): number {
  const { sizes, workers, activations, sampling } = of;
  if (sizes.frozen + sizes.version >= RELEASED_FROM_BYTES) return 0;
  return workers.trainers * (sizes.gradient + activations) + workers.inference * sampling;
}

/** Lanes that came before their turn, which reducers copy. */
function heldLanes(sizes: Sizes, work: WorkSize, { trainers, reducers }: Workers): number {
  const held = Math.max(0, Math.min(trainers, work.lanes) - 1);
  return reducers === 0 ? 0 : held * sizes.gradient * Math.min(1, reducers * sizes.reducerShare);
}

/** The largest step of a sampler: prompts that are read together, or one token of every answer. */
function largestStep(work: WorkSize): { rows: number; samples: number } {
  const { maxPrefillTokens } = SAMPLER_DEFAULTS;
  const together = Math.max(
    1,
    Math.min(work.groups, Math.floor(maxPrefillTokens / work.promptTokens)),
  );
  const samples = answersInFlight(work);
  return { rows: Math.max(together * work.promptTokens, samples), samples };
}

function role(parts: Partial<Omit<RoleBill, "total">>): RoleBill {
  const none = {
    weights: 0,
    optimizer: 0,
    gradients: 0,
    activations: 0,
    keysAndValues: 0,
    fixed: 0,
  };
  const all = { ...none, ...parts };
  return { ...all, total: Object.values(all).reduce((sum, bytes) => sum + bytes, 0) };
}
