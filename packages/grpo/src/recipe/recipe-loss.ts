/**
 * A reimplementation of the recipe's own loss class, for numeric comparison. Gumshoe does not train
 * with it.
 *
 * It keeps these properties of that class, none of which packLoss has:
 * - the target of row position t is token t + 1 of the same row, whichever answer that belongs to;
 * - an unknown log-prob (NaN) is replaced by the new one with its gradient, so that the token is
 *   not trained;
 * - the divergence term is exp(ref) (ref - new), and uses the reference of the token after the
 *   target;
 * - the caller divides gradients by the number of tokens of the step.
 */

/** Rows of T tokens over a vocabulary of V, flat and row-major. */
export interface RecipeBatch {
  /** [B, T, V] */
  readonly shape: readonly [number, number, number];
  /** [B, T, V] */
  readonly logits: ArrayLike<number>;
  /** [B, T] ids */
  readonly tokens: ArrayLike<number>;
  /** [B, T] nonzero for trained tokens */
  readonly mask: ArrayLike<number>;
  /** [B, T] log-probs at sampling time; NaN if unknown */
  readonly logprobs: ArrayLike<number>;
  /** [B, T] */
  readonly advantages: ArrayLike<number>;
  /** [B, T] */
  readonly weights: ArrayLike<number>;
  /** [B, T] at t the reference's log-prob of token t + 1; null for no reference */
  readonly referenceLogprobs: ArrayLike<number> | null;
}

/** The recipe's three parameters. */
export interface RecipeLossConfig {
  readonly clipEpsilon: number;
  readonly entropyCoefficient: number;
  readonly klCoefficient: number;
}

/** Sums over the trained tokens, not yet divided by their number. */
export interface RecipeLoss {
  readonly numTokens: number;
  readonly policyLossSum: number;
  readonly entropySum: number;
  readonly klSum: number;
  readonly totalLoss: number;
  /** [B, T, V] derivative of `totalLoss` */
  readonly dLogits: Float64Array;
}

/** Computes the recipe's loss and its gradient with respect to the logits, in float64. */
export function recipeLoss(batch: RecipeBatch, config: RecipeLossConfig): RecipeLoss {
  const [numRows, rowLength, vocabulary] = batch.shape;
  const dLogits = new Float64Array(numRows * rowLength * vocabulary);
  const sums = { numTokens: 0, policyLossSum: 0, entropySum: 0, klSum: 0 };
  for (let row = 0; row < numRows; row++) {
    // The recipe's shift also fills a row's last position, with a target that is masked out; skip
    // it.
    for (let t = 0; t + 1 < rowLength; t++) {
      const target = row * rowLength + t + 1;
      if (!batch.mask[target]) continue;
      const at = (target - 1) * vocabulary;
      const output = softmax(batch.logits, at, vocabulary);
      const token = tokenTerms(batch, { target, output }, config);
      const weight = batch.weights[target] as number;
      sums.numTokens++;
      sums.policyLossSum += weight * token.policy;
      sums.entropySum += weight * output.entropy;
      sums.klSum += weight * token.kl;
      for (let v = 0; v < vocabulary; v++) {
        const p = output.probabilities[v] as number;
        const dLogprob = Number(v === batch.tokens[target]) - p;
        const dEntropy = -p * ((output.logprobs[v] as number) + output.entropy);
        dLogits[at + v] = weight * (token.slope * dLogprob - config.entropyCoefficient * dEntropy);
      }
    }
  }
  const totalLoss =
    sums.policyLossSum -
    config.entropyCoefficient * sums.entropySum +
    config.klCoefficient * sums.klSum;
  return { ...sums, totalLoss, dLogits };
}

interface Softmax {
  readonly logprobs: Float64Array;
  readonly probabilities: Float64Array;
  readonly entropy: number;
}

function softmax(logits: ArrayLike<number>, start: number, length: number): Softmax {
  const row = Float64Array.from({ length }, (_, v) => logits[start + v] as number);
  const max = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const logSum = max + Math.log(row.reduce((sum, x) => sum + Math.exp(x - max), 0));
  const logprobs = row.map((x) => x - logSum);
  const probabilities = logprobs.map((x) => Math.exp(x));
  const entropy = -logprobs.reduce((sum, x, v) => sum + x * (probabilities[v] as number), 0);
  return { logprobs, probabilities, entropy };
}

function tokenTerms(
  batch: RecipeBatch,
  { target, output }: { target: number; output: Softmax },
  config: RecipeLossConfig,
): { policy: number; kl: number; slope: number } {
  const advantage = batch.advantages[target] as number;
  const newLogprob = output.logprobs[batch.tokens[target] as number] as number;
  const oldLogprob = batch.logprobs[target] as number;
  const known = !Number.isNaN(oldLogprob);
  const ratio = known ? Math.exp(newLogprob - oldLogprob) : 1;
  const clipped = Math.min(Math.max(ratio, 1 - config.clipEpsilon), 1 + config.clipEpsilon);
  const policy = -Math.min(ratio * advantage, clipped * advantage);
  const trains = known && ratio * advantage <= clipped * advantage;
  const reference = batch.referenceLogprobs?.[target];
  const probability = reference === undefined ? 0 : Math.exp(reference);
  return {
    policy,
    kl: reference === undefined ? 0 : probability * (reference - newLogprob),
    slope: (trains ? -ratio * advantage : 0) - config.klCoefficient * probability,
  };
}
