import { MissingLogprobsError, NonFiniteLossError } from "../errors.js";
import { countTargets, type Pack, type PackAnswer } from "../pack.js";
import { countSampled, sampledIndices } from "../segments.js";
import type { LossConfig, TrainingLoss } from "./config.js";
import { importanceRatio } from "./importance.js";
import { klPenalty } from "./kl.js";
import { type LossMetrics, NO_METRICS } from "./metrics.js";
import { policyLoss } from "./policy.js";

/** A model's outputs for a pack: [N] each, the sampled tokens of all answers in order, in nats. */
export interface PackOutputs {
  /** -Infinity where the distribution excludes the token: its ratio is 0. */
  readonly newLogprobs: ArrayLike<number>;
  readonly entropies: ArrayLike<number>;
  /** Of the reference model; needed when `klCoefficient` is not 0. */
  readonly referenceLogprobs?: ArrayLike<number> | null;
  /**
   * The trainer's own log-probs before the update's first step, if they differ from the sampler's;
   * needed for truncated importance sampling. By default the behaviour log-probs are used.
   */
  readonly oldLogprobs?: ArrayLike<number> | null;
}

/** A pack's loss and its derivatives, [N] in the order of {@link PackOutputs}. */
export interface PackLoss {
  /** Weighted sum over the tokens. */
  readonly loss: number;
  readonly dLogprob: Float32Array;
  /** null when the loss does not depend on the entropy. */
  readonly dEntropy: Float32Array | null;
  readonly metrics: LossMetrics;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Running sums over a pack's answers. */
interface Accumulator {
  readonly pack: Pack;
  readonly outputs: PackOutputs;
  readonly dLogprob: Float32Array;
  readonly metrics: Mutable<LossMetrics>;
}

/**
 * Computes a pack's weighted loss, its derivatives and its metrics. Pure: the same input gives the
 * same numbers on every machine; float64, with derivatives rounded to float32 at the end.
 *
 * Per token: weight * (importance * policy + klCoefficient * kl - entropyCoefficient * entropy).
 *
 * @throws MissingLogprobsError when the config needs log-probs that `outputs` lacks
 * @throws NonFiniteLossError   naming the first token whose loss is not finite
 */
export function packLoss(pack: Pack, config: TrainingLoss, outputs: PackOutputs): PackLoss {
  const numTargets = countTargets(pack);
  checkOutputs(outputs, config, numTargets);
  const sums: Accumulator = {
    pack,
    outputs,
    dLogprob: new Float32Array(numTargets),
    metrics: { ...NO_METRICS },
  };
  let start = 0;
  for (const answer of pack.answers) {
    if (config.policy === "cross-entropy") addCrossEntropy(sums, answer, start);
    else addAnswer(sums, answer, { start, config });
    start += countSampled(answer);
  }
  const { metrics, dLogprob } = sums;
  return { loss: metrics.loss, dLogprob, dEntropy: entropyDerivative(pack, config), metrics };
}

function addAnswer(
  sums: Accumulator,
  answer: PackAnswer,
  { start, config }: { start: number; config: LossConfig },
): void {
  const { outputs, metrics, pack } = sums;
  const indices = sampledIndices(answer);
  const length = indices.length;
  const newLogprobs = range(outputs.newLogprobs, start, length);
  // Unknown behaviour: use the new log-probs as constants, which gives the plain policy gradient.
  const behaviour = answer.logprobs.length === 0 ? newLogprobs : answer.logprobs;
  const oldLogprobs = outputs.oldLogprobs ? range(outputs.oldLogprobs, start, length) : behaviour;
  const policy = policyLoss({ newLogprobs, oldLogprobs, advantage: answer.advantage }, config);
  const ratioCap = config.truncatedImportanceSampling;
  for (const [t, token] of indices.entries()) {
    const newLogprob = newLogprobs[t] as number;
    const oldLogprob = oldLogprobs[t] as number;
    const sampledLogprob = behaviour[t] as number;
    // Of the trainer's old log-probs to the sampler's: 1 without a correction, where they are the same.
    const drift = ratioCap === null ? 1 : importanceRatio(oldLogprob, sampledLogprob);
    const importance = Math.min(drift, ratioCap ?? 1);
    const isExcluded = newLogprob === -Infinity;
    const kl = isExcluded ? NO_KL : referenceKl(outputs, start + t, config);
    const entropy = outputs.entropies[start + t] as number;
    const loss =
      importance * (policy.loss[t] as number) +
      config.klCoefficient * kl.value -
      config.entropyCoefficient * entropy;
    const slope = importance * (policy.dLogprob[t] as number) + config.klCoefficient * kl.slope;
    if (!Number.isFinite(loss) || !Number.isFinite(slope)) {
      const values = { new: newLogprob, old: oldLogprob, entropy, advantage: answer.advantage };
      throw new NonFiniteLossError(pack.groupKey, answer.rollout, token, values);
    }
    sums.dLogprob[start + t] = answer.weight * slope;
    metrics.loss += answer.weight * loss;
    metrics.ratioSum += drift * (policy.ratio[t] as number);
    metrics.referenceKlSum += kl.value;
    metrics.entropySum += entropy;
    if (policy.clipped[t] === -1) metrics.numClippedLow++;
    if (policy.clipped[t] === 1 || importance < drift) metrics.numClippedHigh++;
    if (isExcluded) {
      metrics.numExcluded++;
      continue;
    }
    const from = ratioCap === null ? oldLogprob : sampledLogprob;
    metrics.policyKlSum += klPenalty(from, newLogprob, "k3").value;
    noteGap(sums, { answer, token }, Math.abs(newLogprob - sampledLogprob));
  }
  metrics.numTokens += length;
  metrics.numAnswers++;
}

function addCrossEntropy(sums: Accumulator, answer: PackAnswer, start: number): void {
  const { outputs, metrics, dLogprob } = sums;
  const indices = sampledIndices(answer);
  for (const [t, token] of indices.entries()) {
    const newLogprob = outputs.newLogprobs[start + t] as number;
    if (!Number.isFinite(newLogprob)) {
      const at = { new: newLogprob };
      throw new NonFiniteLossError(sums.pack.groupKey, answer.rollout, token, at);
    }
    metrics.loss -= answer.weight * newLogprob;
    metrics.ratioSum += 1;
    metrics.entropySum += outputs.entropies[start + t] as number;
    dLogprob[start + t] = -answer.weight;
  }
  metrics.numTokens += indices.length;
  metrics.numAnswers++;
}

const NO_KL = { value: 0, slope: 0 };

function referenceKl(
  outputs: PackOutputs,
  index: number,
  config: LossConfig,
): { value: number; slope: number } {
  const reference = outputs.referenceLogprobs?.[index];
  if (reference === undefined) return NO_KL;
  return klPenalty(outputs.newLogprobs[index] as number, reference, config.klEstimator);
}

function noteGap(
  { metrics, pack }: Accumulator,
  { answer, token }: { answer: PackAnswer; token: number },
  gap: number,
): void {
  if (gap <= metrics.logprobGapMax) return;
  metrics.logprobGapMax = gap;
  metrics.logprobGapAt = { groupKey: pack.groupKey, rollout: answer.rollout, token };
}

function entropyDerivative(pack: Pack, config: TrainingLoss): Float32Array | null {
  if (config.policy === "cross-entropy" || config.entropyCoefficient === 0) return null;
  const derivative = new Float32Array(countTargets(pack));
  let start = 0;
  for (const answer of pack.answers) {
    const end = start + countSampled(answer);
    derivative.fill(-answer.weight * config.entropyCoefficient, start, end);
    start = end;
  }
  return derivative;
}

function checkOutputs(outputs: PackOutputs, config: TrainingLoss, numTargets: number): void {
  const { newLogprobs, entropies, referenceLogprobs = null, oldLogprobs = null } = outputs;
  checkLength("new", newLogprobs, numTargets);
  checkLength("entropy", entropies, numTargets);
  if (referenceLogprobs) checkLength("reference", referenceLogprobs, numTargets);
  if (oldLogprobs) checkLength("old", oldLogprobs, numTargets);
  if (config.policy === "cross-entropy") return;
  if (config.klCoefficient !== 0 && !referenceLogprobs) {
    throw new MissingLogprobsError("reference", "klCoefficient is not 0, but there are none");
  }
  if (config.truncatedImportanceSampling !== null && !oldLogprobs) {
    throw new MissingLogprobsError("old", "truncatedImportanceSampling needs the trainer's own");
  }
}

function checkLength(
  kind: "new" | "entropy" | "reference" | "old",
  values: ArrayLike<number>,
  expected: number,
): void {
  if (values.length === expected) return;
  throw new MissingLogprobsError(kind, `${expected} targets, but ${values.length} values`);
}

function range(values: ArrayLike<number>, start: number, length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => values[start + i] as number);
}
