/**
 * How long a run will still take, and what it costs: functions of its ledger's state.
 *
 * - An iteration before which the run validates takes longer: the medians of both kinds are kept apart.
 * - Machine time is that of the workers' machines, whether they compute or wait: it is what is paid for.
 */
import type { Cost, Forecast, Usage } from "@gumshoe/api";
import type { RunConfig } from "@gumshoe/config";

import { sumsOf } from "../run/iteration-sums.js";
import type { RunState } from "../run/run-state.js";

/** Newest iterations that the medians rest on. */
const RECENT = 20;
/** Iterations before there is a forecast. */
const LEAST = 3;
const SECONDS_PER_HOUR = 3600;

/** What an hour costs. */
export interface Prices {
  readonly perCoreHour: number;
  readonly perGpuHour: number;
  readonly currency: string;
}

/** Returns the forecast of a run; null before three iterations, and after its end. */
export function forecastOf(config: RunConfig, state: RunState, nowMs: number): Forecast | null {
  const isOver = state.status !== "running" && state.status !== "queued";
  if (isOver || state.iterationsDone < Math.min(LEAST, config.iterations)) return null;
  const recent = state.iterationMetrics.slice(-RECENT);
  const seconds = recent.flatMap((metrics) => metrics["seconds"] ?? []);
  const isValidated = (metrics: Readonly<Record<string, number>>) =>
    metrics["validationCount"] !== undefined;
  const plain = recent.filter((metrics) => !isValidated(metrics));
  const perIteration = median((plain.length > 0 ? plain : recent).map(secondsOf));
  if (perIteration === null) return null;
  const validated = state.iterationMetrics.filter(isValidated).slice(-RECENT);
  const withValidation = plain.length > 0 ? median(validated.map(secondsOf)) : null;
  const perValidation = withValidation === null ? null : Math.max(0, withValidation - perIteration);
  const { workMs, aheadMs } = sumsOf(state);
  const elapsed = Math.min(perIteration, Math.max(0, workMs.sampling - aheadMs) / 1000);
  const left = Math.max(0, config.iterations - state.iterationsDone) * perIteration - elapsed;
  const secondsLeft = Math.max(0, left + validationsLeft(config, state) * (perValidation ?? 0));
  return {
    secondsPerIteration: perIteration,
    secondsPerValidation: perValidation,
    basedOn: seconds.length,
    secondsLeft,
    endsAtMs: state.status === "running" ? nowMs + secondsLeft * 1000 : null,
  };
}

function secondsOf(metrics: Readonly<Record<string, number>>): number {
  return metrics["seconds"] ?? 0;
}

/** Counts the validations to come, that of the final weights included. */
function validationsLeft(config: RunConfig, state: RunState): number {
  if (config.validation === null) return 0;
  const { every } = config.validation;
  const begun = state.validations.some(({ iteration }) => iteration === state.iterationsDone);
  const from = state.iterationsDone + (begun ? 1 : 0);
  const before = Math.ceil(from / every);
  return Math.max(0, Math.ceil(config.iterations / every) - before) + 1;
}

/**
 * Returns the cost of a run; null when its ledger has no machine time, as in runs of earlier versions.
 */
export function costOf(
  state: RunState,
  forecast: Forecast | null,
  prices: Prices | null,
): Cost | null {
  const sum = (name: string) =>
    state.iterationMetrics.reduce((total, metrics) => total + (metrics[name] ?? 0), 0);
  const [cores, gpus, seconds] = [sum("coreSeconds"), sum("gpuSeconds"), sum("seconds")];
  if (cores === 0 && gpus === 0) return null;
  const scale = forecast === null || seconds === 0 ? null : 1 + forecast.secondsLeft / seconds;
  return {
    soFar: usage(cores, gpus, prices),
    expected: scale === null ? null : usage(cores * scale, gpus * scale, prices),
    currency: prices?.currency ?? null,
  };
}

function usage(coreSeconds: number, gpuSeconds: number, prices: Prices | null): Usage {
  const coreHours = coreSeconds / SECONDS_PER_HOUR;
  const gpuHours = gpuSeconds / SECONDS_PER_HOUR;
  const money =
    prices === null ? null : coreHours * prices.perCoreHour + gpuHours * prices.perGpuHour;
  return { coreHours, gpuHours, money };
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[half - 1], sorted[half]];
  if (high === undefined) return null;
  return sorted.length % 2 === 1 ? high : ((low ?? high) + high) / 2;
}
