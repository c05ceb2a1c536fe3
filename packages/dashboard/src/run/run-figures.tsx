/** The figures of a run that one looks for first. */
import type { Interval, RunDetail, Usage } from "@gumshoe/api";
import type { ComponentChildren } from "preact";

import { formatFixed, formatMoment, formatNumber, formatSeconds, NONE } from "../figures/format.js";
import { Progress } from "../figures/run-state.js";

/** Draws the figures. */
export function RunFigures({ run }: { readonly run: RunDetail }) {
  const { forecast, reward, validation, bestValidation, iterationsDone, iterationsTotal } = run;
  const { progress, logprobGapMax, weights, report } = run;
  const isStale = Number(run.config?.["staleness"] ?? 0) > 0;
  return (
    <dl class="figures">
      <Figure title="Iterations" hint={`${run.updates} updates`}>
        {iterationsDone} <small>of {iterationsTotal}</small>
        <Progress done={iterationsDone} total={iterationsTotal} label="Iterations" />
      </Figure>
      {progress !== null && (
        <Figure title={phaseText(progress.phase)} hint={progress.note ?? undefined}>
          {progress.done} <small>of {progress.total}</small>
          <Progress done={progress.done} total={progress.total} label={progress.phase} />
        </Figure>
      )}
      <Figure title="Reward" hint="Mean of the newest iteration">
        {formatFixed(reward)}
      </Figure>
      <Figure title="Validation" hint={intervalText(validation)}>
        {formatFixed(validation?.reward)}{" "}
        {validation !== null && <small>±{half(validation)}</small>}
      </Figure>
      <Figure title="Best validation" hint={intervalText(bestValidation)}>
        {formatFixed(bestValidation?.reward)}{" "}
        {bestValidation !== null && <small>at {bestValidation.iteration}</small>}
      </Figure>
      {report !== null && (
        <Figure title="Report" hint={intervalText(report)}>
          {formatFixed(report.reward)} <small>±{half(report)}</small>
        </Figure>
      )}
      <Figure title="Worked" hint="Pauses excluded">
        {formatSeconds(run.workedSeconds)}
      </Figure>
      <Figure
        title="Left"
        hint={
          forecast === null
            ? undefined
            : `From the last ${forecast.basedOn} iterations; ends ${formatMoment(forecast.endsAtMs)}`
        }
      >
        {formatSeconds(run.secondsLeft)}
      </Figure>
      <CostFigures run={run} />
      <Figure
        title="Log-prob gap"
        hint={
          isStale
            ? "Largest difference of sampler and trainer where both had the same weights; 0: they agree bit for bit"
            : "Largest difference of sampler and trainer; 0: they agree bit for bit"
        }
      >
        <span class={logprobGapMax === 0 ? "good" : "bad"}>{formatNumber(logprobGapMax)}</span>
      </Figure>
      <Figure title="Weights" hint={weights?.digest}>
        {weights?.version ?? NONE} <small class="mono">{weights?.digest.slice(0, 10)}</small>
      </Figure>
    </dl>
  );
}

function CostFigures({ run: { cost } }: { readonly run: RunDetail }) {
  if (cost === null) return null;
  const { soFar, expected, currency } = cost;
  const row = (
    title: string,
    of: (usage: Usage) => number | null,
    format: (value: number) => string,
  ) => {
    const used = of(soFar);
    const all = expected === null ? null : of(expected);
    if (used === null) return null;
    return (
      <Figure title={title} hint="So far, and expected in all">
        {format(used)} {all !== null && <small>of {format(all)}</small>}
      </Figure>
    );
  };
  const hasGpu = soFar.gpuHours > 0;
  return (
    <>
      {hasGpu
        ? row(
            "GPU hours",
            ({ gpuHours }) => gpuHours,
            (hours) => formatNumber(hours, 3),
          )
        : row(
            "Core hours",
            ({ coreHours }) => coreHours,
            (hours) => formatNumber(hours, 3),
          )}
      {row(
        currency ?? "Cost",
        ({ money }) => money,
        (money) => money.toFixed(2),
      )}
    </>
  );
}

function Figure(props: {
  readonly title: string;
  readonly hint?: string | undefined;
  readonly children: ComponentChildren;
}) {
  return (
    <div title={props.hint}>
      <dt>{props.title}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function phaseText(phase: string): string {
  return phase.charAt(0).toUpperCase() + phase.slice(1);
}

function half({ low, high }: Interval): string {
  return formatFixed((high - low) / 2);
}

function intervalText(interval: Interval | null): string | undefined {
  if (interval === null) return undefined;
  const { low, high, count } = interval;
  return `95 %: ${formatFixed(low)} to ${formatFixed(high)}, on ${count} tasks`;
}
