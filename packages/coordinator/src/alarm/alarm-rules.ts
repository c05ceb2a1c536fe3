/**
 * When a run deserves an alarm: few plain rules over what its ledger says. An alarm changes nothing.
 *
 * - A rule about metrics compares the mean of the newest iterations with that of the first ones, so that one
 *   odd iteration raises no alarm.
 * - None of them claims to tell a good reward from an exploited one.
 */
import type { AlarmKind } from "@gumshoe/api";
import { isBelow } from "@gumshoe/grpo";

import { shownMetrics } from "../run/shown-metrics.js";
import type { RunState } from "../run/run-state.js";

/** Iterations whose mean is compared. */
const WINDOW = 3;
/** Iterations before the newest are compared with the first. */
const LEAST_ITERATIONS = 10;
/** Share of the first entropy below which it has collapsed. */
const ENTROPY_LEFT = 0.1;
/** Growth of the mean length, and share of cut answers, from which lengths run away. */
const LENGTH_GROWTH = 2;
const CUT_SHARE = 0.2;
/** Share of groups with equal rewards from which there is nothing to learn. */
const EQUAL_SHARE = 0.95;
/** Deaths of one role without progress between them. */
const DEATHS = 2;
/** Silence of the ledger from which nothing moves: this long, and this many median iterations. */
const STILL_MS = 600_000;
const STILL_ITERATIONS = 5;

/** An active alarm. */
export interface Finding {
  readonly kind: AlarmKind;
  readonly message: string;
}

/** Returns the alarms that a run deserves now; none for one that does not run. */
export function findAlarms(
  state: Pick<RunState, "status" | "validations" | "iterationMetrics" | "deaths" | "lastAtMs">,
  nowMs: number,
): Finding[] {
  if (state.status !== "running") return [];
  const metrics = state.iterationMetrics;
  const found = [
    validationFalls(state.validations),
    entropyCollapses(metrics),
    lengthsRunAway(metrics),
    allGroupsEqual(metrics),
    workersDie(state.deaths),
    nothingMoves(metrics, nowMs - state.lastAtMs),
  ];
  return found.filter((finding) => finding !== null);
}

type MetricsList = RunState["iterationMetrics"];

function validationFalls(validations: RunState["validations"]): Finding | null {
  const scored = validations.filter(({ count }) => count > 0);
  const newest = scored.at(-1);
  if (newest === undefined) return null;
  const best = scored.reduce((high, one) => (one.reward > high.reward ? one : high));
  if (!isBelow({ ...newest, mean: newest.reward }, { ...best, mean: best.reward })) return null;
  return {
    kind: "validation-falls",
    message:
      `validation is ${newest.reward.toFixed(3)} after ${newest.iteration} iterations, and was ` +
      `${best.reward.toFixed(3)} after ${best.iteration}: stop, and take that checkpoint, or lower optimizer.lr`,
  };
}

function entropyCollapses(metrics: MetricsList): Finding | null {
  const [first, last] = ends(metrics, "entropy");
  if (first === null || last === null || last >= ENTROPY_LEFT * first) return null;
  return {
    kind: "entropy-collapses",
    message:
      `entropy is ${last.toFixed(3)} nats, and was ${first.toFixed(3)} at the start: the answers to a task ` +
      "become the same; lower optimizer.lr, or add an entropy bonus",
  };
}

function lengthsRunAway(metrics: MetricsList): Finding | null {
  const [first, last] = ends(metrics, "meanAnswerTokens");
  const [, cut] = ends(metrics, "truncatedShare");
  if (first === null || last === null || cut === null) return null;
  if (last < LENGTH_GROWTH * first || cut < CUT_SHARE) return null;
  return {
    kind: "lengths-run-away",
    message:
      `answers have ${last.toFixed(0)} tokens, ${first.toFixed(0)} at the start, and ` +
      `${(100 * cut).toFixed(0)} % are cut: set loss.truncated to a penalty, or raise rollouts.maxAnswerTokens`,
  };
}

function allGroupsEqual(metrics: MetricsList): Finding | null {
  const shares = metrics.slice(-WINDOW).map((one) => shownMetrics(one)["zeroVarianceShare"]);
  const isSo =
    shares.length === WINDOW &&
    shares.every((share) => share !== undefined && share >= EQUAL_SHARE);
  if (!isSo) return null;
  return {
    kind: "all-groups-equal",
    message:
      `in ${WINDOW} iterations nearly all groups have equal rewards: there is nothing to learn; ` +
      "take easier or harder tasks, or more rollouts per task",
  };
}

function workersDie(deaths: RunState["deaths"]): Finding | null {
  for (const [role, { count }] of deaths) {
    if (count < DEATHS) continue;
    return {
      kind: "worker-dies-again",
      message: `${count} times a ${role} died without progress between: see its log`,
    };
  }
  return null;
}

function nothingMoves(metrics: MetricsList, stillMs: number): Finding | null {
  const seconds = metrics.flatMap((one) => one["seconds"] ?? []).sort((a, b) => a - b);
  const median = seconds[Math.floor(seconds.length / 2)] ?? 0;
  if (stillMs < Math.max(STILL_MS, STILL_ITERATIONS * median * 1000)) return null;
  return {
    kind: "nothing-moves",
    message: `nothing was recorded for ${Math.floor(stillMs / 60_000)} minutes: look at the fleet and the queues`,
  };
}

/** Returns the mean of a metric over the first and over the newest iterations; null where there are too few. */
function ends(metrics: MetricsList, name: string): [number | null, number | null] {
  if (metrics.length < LEAST_ITERATIONS) return [null, null];
  const mean = (part: MetricsList) => {
    const values = part.flatMap((one) => shownMetrics(one)[name] ?? []);
    return values.length === 0
      ? null
      : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  return [mean(metrics.slice(0, WINDOW)), mean(metrics.slice(-WINDOW))];
}
