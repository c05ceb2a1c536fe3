import * as Plot from "@observablehq/plot";
import { InvalidArgumentError } from "@gumshoe/core";
import { z } from "zod";

import type { Prices } from "../eval/prices.js";
import type { ChartOptions } from "./draw-chart.js";

/** The fields of a file of `gumshoe eval --json` that the chart needs. */
export const EvaluationFile = z.object({
  model: z.string(),
  accuracy: z.object({ mean: z.number(), low: z.number(), high: z.number() }).nullable(),
  answers: z.int().min(0),
  partial: z.boolean(),
  promptTokens: z.number(),
  answerTokens: z.number(),
  repliesWithoutCounts: z.number(),
  cost: z.number().nullable(),
});
/** The fields of a file of `gumshoe eval --json` that the chart needs. */
export type EvaluationFile = z.infer<typeof EvaluationFile>;

/** A point of the chart. */
export interface AccuracyPoint {
  readonly name: string;
  /** US dollars per 1,000 answers. */
  readonly cost: number;
  readonly accuracy: number;
  /** Ends of the 95 % interval. */
  readonly low: number;
  readonly high: number;
}

/**
 * Returns the point of an evaluation.
 *
 * @param file    in errors
 * @param prices  go before the cost in the result
 * @throws InvalidArgumentError when nothing was scored, or the cost is not known
 */
export function accuracyPoint(
  file: string,
  evaluation: EvaluationFile,
  prices: Prices,
): AccuracyPoint {
  const { model, accuracy, answers, partial } = evaluation;
  if (accuracy === null || answers === 0) {
    throw new InvalidArgumentError(file, "has no scored answer");
  }
  const total = costOf(file, evaluation, prices[model]);
  const name = prices[model]?.label ?? model;
  const { mean, low, high } = accuracy;
  const cost = (1000 * total) / answers;
  return { name: partial ? `${name} (partial)` : name, cost, accuracy: mean, low, high };
}

function costOf(file: string, evaluation: EvaluationFile, price: Prices[string] | undefined) {
  const { model, promptTokens, answerTokens, repliesWithoutCounts, cost } = evaluation;
  if (price === undefined) {
    if (cost !== null) return cost;
    throw new InvalidArgumentError(file, `has no cost, and --prices has no entry "${model}"`);
  }
  if (repliesWithoutCounts > 0) {
    const problem = `has ${repliesWithoutCounts} replies without token counts: their cost is unknown`;
    throw new InvalidArgumentError(file, problem);
  }
  return (promptTokens * price.prompt + answerTokens * price.answer) / 1e6;
}

/** Charts accuracy against cost, with 95 % intervals. */
export function accuracyChart(points: readonly AccuracyPoint[]): ChartOptions {
  // A logarithmic axis has no zero, e.g. for a model that runs for free.
  const isLog = points.every(({ cost }) => cost > 0);
  return {
    marginRight: 160,
    x: {
      ...(isLog ? { type: "log" as const, tickFormat: "~g" } : { zero: true }),
      label: "cost of 1,000 answers, US dollars",
      inset: 12,
    },
    y: { label: "accuracy, with its 95 % interval", domain: [0, 1] },
    marks: [
      Plot.ruleY([0]),
      Plot.ruleX(points, { x: "cost", y1: "low", y2: "high", stroke: "name", strokeWidth: 1.5 }),
      Plot.dot(points, { x: "cost", y: "accuracy", fill: "name", r: 4 }),
      Plot.text(points, { x: "cost", y: "accuracy", text: "name", dx: 9, textAnchor: "start" }),
    ],
  };
}
