/**
 * Which charts a run has, made from the columns of its metrics.
 *
 * A chart is shown when one of its columns has a value. Columns that no chart names, e.g. those of an
 * environment, get a chart each. docs/operations.md explains every column.
 */
import type { Series, SeriesColumn, Validation } from "@gumshoe/api";

import type { AxisKind, Band, Curve } from "../chart/curve.js";

/** One chart. */
export interface ChartPlan {
  readonly title: string;
  readonly hint: string;
  readonly section: string;
  readonly lines: readonly LinePlan[];
}

/** One curve of a chart: a column, or the validations. */
export type LinePlan =
  | {
      readonly label: string;
      readonly column: string;
      readonly low?: string;
      readonly high?: string;
    }
  | { readonly label: string; readonly validation: "sampled" | "greedy" };

const chart = (
  ...[section, title, hint, lines]: [string, string, string, LinePlan[]]
): ChartPlan => ({
  section,
  title,
  hint,
  lines,
});
const line = (label: string, column: string): LinePlan => ({ label, column });

const CHARTS: readonly ChartPlan[] = [
  chart("Reward", "Reward", "Mean of the sampled answers, with its 95 % interval over the tasks", [
    { label: "sampled", column: "meanReward", low: "rewardLow", high: "rewardHigh" },
  ]),
  chart("Reward", "Validation", "Reward on held-out tasks, with 95 % intervals", [
    { label: "sampled", validation: "sampled" },
    { label: "greedy", validation: "greedy" },
  ]),
  chart("Reward", "Groups of equal rewards", "Their share: they have no gradient", [
    line("share", "zeroVarianceShare"),
  ]),
  chart(
    "Reward",
    "Groups replaced",
    "Groups that dynamic sampling added for others without a gradient",
    [line("groups", "numReplaced")],
  ),
  chart("Answers", "Answer length", "Mean tokens of an answer", [
    line("tokens", "meanAnswerTokens"),
  ]),
  chart(
    "Answers",
    "Cut off and stopped",
    "Share of the answers that reached the length limit, or were stopped as degenerate",
    [line("cut off", "truncatedShare"), line("stopped early", "earlyStoppedShare")],
  ),
  chart("Answers", "Long answers", "Share of the answers whose reward the length penalty lowered", [
    line("share", "overlongShare"),
  ]),
  chart("Answers", "Not scored", "Answers that could not be scored; they are in no mean", [
    line("answers", "numUnscored"),
  ]),
  chart("Policy", "Entropy", "Of the next token, in nats; a collapse towards 0 ends exploration", [
    line("nats per token", "entropy"),
  ]),
  chart(
    "Policy",
    "Clipped tokens",
    "Share of the tokens without a gradient because their ratio was beyond a bound",
    [line("low", "clipFractionLow"), line("high", "clipFractionHigh")],
  ),
  chart(
    "Policy",
    "Ratio",
    "Mean ratio of a token’s probability under the new weights to that under the sampling weights",
    [line("ratio", "ratio")],
  ),
  chart(
    "Policy",
    "Policy KL",
    "Divergence from the sampling policy and from the reference, in nats per token",
    [line("from the sampler", "policyKl"), line("from the reference", "referenceKl")],
  ),
  chart(
    "Policy",
    "Log-prob gap",
    "Largest difference of sampler and trainer, in nats; 0: they agree bit for bit",
    [line("largest", "logprobGapMax")],
  ),
  chart("Optimizer", "Loss", "Mean over the updates of an iteration", [line("loss", "loss")]),
  chart("Optimizer", "Gradient norm", "Largest L2 norm of a gradient, before clipping", [
    line("L2", "gradNorm"),
  ]),
  chart("Optimizer", "Learning rate", "Of the last update", [line("rate", "learningRate")]),
  chart("Speed", "Seconds per iteration", "Validation and grading count as sampling", [
    line("sampling", "samplingSeconds"),
    line("learning", "learningSeconds"),
    line("checkpoint", "checkpointSeconds"),
  ]),
  chart("Speed", "Tokens per second", "While sampling, and while learning", [
    line("sampled", "sampledTokensPerSecond"),
    line("learned", "learnedTokensPerSecond"),
  ]),
];

/** Columns that are drawn, are the bounds of one that is, or repeat one. */
const KNOWN = new Set([
  ...CHARTS.flatMap(({ lines }) =>
    lines.flatMap((plan) => ("column" in plan ? [plan.column, plan.low, plan.high] : [])),
  ),
  ...["rewardCount", "rewardSum", "numZeroVariance", "numTruncated", "numEarlyStopped"],
  "numOverlong",
  ...["clipFraction", "numGroups", "numRollouts", "numAnswerTokens", "updates", "seconds"],
]);
const REPEATED = /^(finalV|v)alidation/;

/** Lists the charts for which a run has values. */
export function chartsOf({ columns, validations }: Series): ChartPlan[] {
  const filled = columns.filter(({ values }) => values.some((value) => value !== null));
  const names = new Set(filled.map(({ name }) => name));
  const has = (plan: LinePlan) => {
    if ("column" in plan) return names.has(plan.column);
    return plan.validation === "sampled"
      ? validations.length > 0
      : validations.some(({ greedy }) => greedy !== null);
  };
  const known = CHARTS.map((plan) => ({ ...plan, lines: plan.lines.filter(has) }));
  const others = filled
    .filter(({ name }) => !KNOWN.has(name) && !REPEATED.test(name))
    .map(({ name, title, unit, section }): ChartPlan => {
      const label = unit === "" ? "value" : unit;
      const isGraded = section === "environment";
      const hint = isGraded ? `The environment’s metric, mean over the answers` : name;
      return {
        title,
        hint,
        section: isGraded ? "Environment" : "Further figures",
        lines: [{ label, column: name }],
      };
    });
  return [...known.filter(({ lines }) => lines.length > 0), ...others];
}

/** Makes a curve of a chart's line. */
export function curveOf(
  series: Series,
  plan: LinePlan,
  options: { readonly axis: AxisKind; readonly color: number; readonly label?: string },
): Curve {
  const label = options.label ?? plan.label;
  const { axis, color } = options;
  if ("validation" in plan)
    return { label, color, dots: true, ...validationCurve(series, plan, axis) };
  const find = (name: string | undefined) => series.columns.find((column) => column.name === name);
  const column = find(plan.column);
  return {
    label,
    color,
    x: axisValues(series, axis),
    y: column?.values ?? series.iterations.map(() => null),
    band: bandOf(column, find(plan.low), find(plan.high)),
  };
}

/** The band is the interval of the metric; where many iterations are one point, their extremes. */
function bandOf(
  column: SeriesColumn | undefined,
  low: SeriesColumn | undefined,
  high: SeriesColumn | undefined,
): Band | undefined {
  if (low !== undefined && high !== undefined) return { low: low.values, high: high.values };
  if (column?.min === undefined || column.max === undefined) return undefined;
  return { low: column.min, high: column.max };
}

function validationCurve(
  series: Series,
  { validation }: { readonly validation: "sampled" | "greedy" },
  axis: AxisKind,
) {
  const points = series.validations
    .map((one) => ({ one, interval: validation === "sampled" ? one : one.greedy }))
    .filter(({ interval }) => interval !== null && interval.count > 0)
    .sort((a, b) => a.one.iteration - b.one.iteration);
  return {
    x: points.map(({ one }) => placeOf(series, axis, one)),
    y: points.map(({ interval }) => interval?.reward ?? null),
    band: {
      low: points.map(({ interval }) => interval?.low ?? null),
      high: points.map(({ interval }) => interval?.high ?? null),
    },
  };
}

const SECONDS_PER_HOUR = 3600;

/** Returns the place of every bucket of iterations on an axis. */
function axisValues(series: Series, axis: AxisKind): readonly number[] {
  if (axis === "iteration") return series.iterations;
  if (axis === "worked") return series.workedSeconds.map((seconds) => seconds / SECONDS_PER_HOUR);
  let before = 0;
  return series.endedAtMs.map((ms) => (before = ms === null ? before : ms / 1000));
}

function placeOf(series: Series, axis: AxisKind, { iteration, atMs }: Validation): number {
  if (axis === "iteration") return iteration;
  if (axis === "clock" && atMs !== null) return atMs / 1000;
  const index = series.iterations.findLastIndex((first) => first < iteration);
  return index < 0
    ? axis === "worked"
      ? 0
      : (axisValues(series, axis)[0] ?? 0)
    : (axisValues(series, axis)[index] ?? 0);
}
