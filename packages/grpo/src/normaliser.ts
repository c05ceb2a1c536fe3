import { InvalidArgumentError } from "@gumshoe/core";
import type { Aggregation } from "./loss/config.js";
import type { Pack } from "./pack.js";
import { countSampled } from "./segments.js";

/**
 * Computes the weight of each token of every answer, such that the sum of weighted token losses
 * over an update is the configured aggregate.
 *
 * The weights are computed before any gradient job, from the lengths of all answers of the update:
 * they do not depend on the packing of the answers or on the workers.
 *
 * @param lengths  sampled tokens of each answer of the update, each at least 1
 * @returns        one weight per answer
 */
export function normaliserWeights(lengths: readonly number[], aggregation: Aggregation): number[] {
  switch (aggregation.type) {
    case "sequence-mean":
      return lengths.map((length) => 1 / (lengths.length * length));
    case "token-mean": {
      const numTokens = lengths.reduce((total, length) => total + length, 0);
      return lengths.map(() => 1 / numTokens);
    }
    case "token-sum-fixed": {
      const { divisor } = aggregation;
      if (!(divisor > 0)) {
        throw new InvalidArgumentError("aggregation.divisor", `must be above 0, is ${divisor}`);
      }
      return lengths.map(() => 1 / divisor);
    }
    default:
      return aggregation satisfies never;
  }
}

/** Returns the packs of one whole update with the weights of their answers set. */
export function weighPacks(packs: readonly Pack[], aggregation: Aggregation): Pack[] {
  const lengths = packs.flatMap(({ answers }) => answers.map(countSampled));
  const weights = normaliserWeights(lengths, aggregation);
  let next = 0;
  return packs.map((pack) => ({
    ...pack,
    answers: pack.answers.map((answer) => ({ ...answer, weight: weights[next++] as number })),
  }));
}
