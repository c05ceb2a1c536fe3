import { exp } from "../exp.js";
import type { LossConfig } from "./config.js";

/** The fields of a loss config that the policies read. */
export type PolicyConfig = Pick<
  LossConfig,
  | "policy"
  | "clipLow"
  | "clipHigh"
  | "twoSided"
  | "ratioCap"
  | "temperaturePositive"
  | "temperatureNegative"
>;

/** One answer: its log-probs now and before the update, [T] nats each, and its advantage. */
export interface ScoredAnswer {
  readonly newLogprobs: ArrayLike<number>;
  readonly oldLogprobs: ArrayLike<number>;
  readonly advantage: number;
}

/** The unweighted losses of one answer's tokens, all [T]. */
export interface AnswerLoss {
  readonly loss: Float64Array;
  /** Derivative of the sum of `loss` with respect to each new log-prob. */
  readonly dLogprob: Float64Array;
  /** exp(new - old); one value for the whole answer with `gspo`. */
  readonly ratio: Float64Array;
  /** -1 or 1 where the lower or upper bound took effect, else 0. */
  readonly clipped: Int8Array;
}

interface TokenLoss {
  readonly loss: number;
  /** Derivative of the loss with respect to the log-ratio. */
  readonly slope: number;
  readonly clipped: -1 | 0 | 1;
}

/**
 * Computes the policy loss of every token of an answer, before weights.
 *
 * With r = exp(new - old) and advantage A:
 * - `clip`: -min(r A, clip(r, 1 - clipLow, 1 + clipHigh) A); with `twoSided` = d the first r is min(r, d)
 * - `gspo`: the same with the answer's geometric mean of r in place of r
 * - `cispo`: -min(r, ratioCap) A new, the capped ratio held constant
 * - `sapo`: -(4 / t) sigmoid(t (r - 1)) A, where t depends on the sign of A
 *
 * @source arXiv:1707.06347 and arXiv:2503.14476 (clip), arXiv:2505.07291 (twoSided),
 *         arXiv:2507.18071 (gspo), arXiv:2506.13585 (cispo), arXiv:2511.20347 (sapo)
 */
export function policyLoss(answer: ScoredAnswer, config: PolicyConfig): AnswerLoss {
  const { newLogprobs, oldLogprobs, advantage } = answer;
  const length = newLogprobs.length;
  const result: AnswerLoss = {
    loss: new Float64Array(length),
    dLogprob: new Float64Array(length),
    ratio: new Float64Array(length),
    clipped: new Int8Array(length),
  };
  const meanLogRatio = config.policy === "gspo" ? sumLogRatios(answer) / length : null;
  for (let t = 0; t < length; t++) {
    const newLogprob = newLogprobs[t] as number;
    const ratio = exp(meanLogRatio ?? newLogprob - (oldLogprobs[t] as number));
    const token = tokenLoss(ratio, { newLogprob, advantage }, config);
    result.ratio[t] = ratio;
    result.loss[t] = token.loss;
    // For gspo, d ratio / d logprob_t = ratio / T, and the ratio appears in T token losses: the
    // factors cancel.
    result.dLogprob[t] = token.slope;
    result.clipped[t] = token.clipped;
  }
  return result;
}

type TokenInput = Pick<ScoredAnswer, "advantage"> & { readonly newLogprob: number };

function tokenLoss(ratio: number, token: TokenInput, config: PolicyConfig): TokenLoss {
  switch (config.policy) {
    case "clip":
      return clippedLoss(ratio, token.advantage, config);
    case "gspo":
      return clippedLoss(ratio, token.advantage, { ...config, twoSided: null });
    case "cispo":
      return cappedLoss(ratio, token, config.ratioCap);
    case "sapo":
      return gatedLoss(ratio, token.advantage, config);
    default:
      return config.policy satisfies never;
  }
}

function clippedLoss(ratio: number, advantage: number, config: PolicyConfig): TokenLoss {
  const bounded = Math.min(ratio, config.twoSided ?? Infinity);
  const clipped = Math.min(Math.max(ratio, 1 - config.clipLow), 1 + config.clipHigh);
  const plain = -bounded * advantage;
  const limited = -clipped * advantage;
  if (limited > plain) {
    return { loss: limited, slope: 0, clipped: ratio > 1 ? 1 : -1 };
  }
  if (bounded !== ratio) return { loss: plain, slope: 0, clipped: 1 };
  return { loss: plain, slope: plain, clipped: 0 };
}

function cappedLoss(ratio: number, token: TokenInput, ratioCap: number): TokenLoss {
  const slope = -Math.min(ratio, ratioCap) * token.advantage;
  // A token of probability 0 has a slope of 0 and a log-prob of -Infinity.
  const loss = slope === 0 ? 0 : slope * token.newLogprob;
  return { loss, slope, clipped: ratio > ratioCap ? 1 : 0 };
}

function gatedLoss(ratio: number, advantage: number, config: PolicyConfig): TokenLoss {
  const sharpness = advantage > 0 ? config.temperaturePositive : config.temperatureNegative;
  const gate = 1 / (1 + exp(-sharpness * (ratio - 1)));
  return {
    loss: (-4 / sharpness) * gate * advantage,
    slope: -4 * gate * (1 - gate) * ratio * advantage,
    clipped: 0,
  };
}

function sumLogRatios({ newLogprobs, oldLogprobs }: ScoredAnswer): number {
  let sum = 0;
  for (let t = 0; t < newLogprobs.length; t++) {
    sum += (newLogprobs[t] as number) - (oldLogprobs[t] as number);
  }
  return sum;
}
