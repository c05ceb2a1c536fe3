import { shownValue } from "@gumshoe/core";
import { nearestName } from "@gumshoe/config";
import { REWARD_PREFIX } from "@gumshoe/protocol";
import type { TaskGrade } from "@gumshoe/puzzles";

import type { Outcome } from "./messages.js";

/** Largest magnitude of a reward: sums of such rewards are finite. */
const MAX_REWARD = 1e30;
/** Most metrics of one reply: they are stored with every reply of the run. */
const MAX_METRICS = 200;
/** Most rewards of one reply. */
const MAX_REWARDS = 20;
/** Most characters in the name of a metric or a reward, and of it in an error. */
const MAX_NAME = 100;
const MAX_SHOWN_NAME = 40;
/** Most characters of a stored reason. */
const MAX_REASON = 1000;
/** Most characters of an invalid grade in an error message. */
const MAX_SHOWN = 120;

const FORM = "it must return { reward, metrics }";
const STEP_FORM = "it must return { messages, state } or { reward, metrics }";

/** What a grade is checked by. */
export interface GradeRules {
  /** What returned it, for messages. */
  readonly origin: "grade()" | "gradeGroup()" | "step()" | "the server";
  /** Weights of the rewards by name; null where each has weight 1. */
  readonly weights: RewardWeights | null;
}

/** Weights of the rewards of a grade, by name: `tasks.rewards.weights` of a config. */
export type RewardWeights = Readonly<Record<string, number>>;

/**
 * Validates the grade that a module returned. An exception means that the reply could not be scored; so does
 * a result of the wrong form.
 */
export function checkGrade(outcome: Outcome, rules: GradeRules): TaskGrade {
  const { origin, weights } = rules;
  if (!outcome.ok) {
    const text = outcome.text.replace(/\s+/g, " ");
    return unscored(`${origin} threw: ${text}`.slice(0, MAX_REASON));
  }
  const problem = problemOf(outcome.value, rules);
  if (problem !== null) return wrongForm(origin, outcome.value, problem);
  const { reward, rewards, metrics = {}, reason = "" } = outcome.value as GivenGrade;
  const numbers = Object.entries(metrics ?? {}).filter(
    (entry): entry is [string, number] => typeof entry[1] === "number",
  );
  const checked = Object.fromEntries(numbers);
  if (reward === null) return { reward, reason: reason.slice(0, MAX_REASON), metrics: checked };
  if (rewards === undefined) return { reward: reward as number, metrics: checked };
  return { reward: weightedSum(rewards, weights), rewards, metrics: checked };
}

/**
 * Validates the result of `gradeGroup()`: one grade for each of `count` replies. If it is none, no
 * reply could be scored.
 */
export function checkGroupGrades(
  outcome: Outcome,
  { count, ...rules }: GradeRules & { readonly count: number },
): TaskGrade[] {
  const { origin } = rules;
  const given = outcome.ok ? outcome.value : null;
  if (Array.isArray(given) && given.length === count) {
    return given.map((value: unknown) => checkGrade({ ok: true, value }, rules));
  }
  const problem = `it must return a list of ${count} grades, one for each reply`;
  const grade = outcome.ok ? wrongForm(origin, given, problem) : checkGrade(outcome, rules);
  return Array.from({ length: count }, () => grade);
}

/** Returns the grade of an answer whose grader returned a value of the wrong form. */
export function wrongForm(
  origin: GradeRules["origin"],
  value: unknown,
  problem: string,
): TaskGrade {
  return unscored(`${origin} returned ${shown(value)}: ${problem}`);
}

function unscored(reason: string): TaskGrade {
  return { reward: null, reason, metrics: {} };
}

/** Returns whether a grade has no reward because a grader returned a value of the wrong form. */
export function isWrongForm(grade: TaskGrade): boolean {
  return (
    grade.reward === null &&
    /^(grade\(\)|gradeGroup\(\)|step\(\)|the server) returned /.test(grade.reason)
  );
}

/** Returns whether a grade has no reward because a grader threw an exception. */
export function hasThrown(grade: TaskGrade): boolean {
  return grade.reward === null && /^(grade(Group)?|step)\(\) threw: /.test(grade.reason);
}

interface GivenGrade {
  readonly reward?: number | null;
  readonly rewards?: Record<string, number>;
  readonly reason?: string;
  /** A number that is not finite arrives as a text, and is omitted. */
  readonly metrics?: Readonly<Record<string, number | string>> | null;
}

function problemOf(value: unknown, { origin, weights }: GradeRules): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return origin === "step()" ? STEP_FORM : FORM;
  }
  const { reward, rewards, reason, metrics } = value as Record<string, unknown>;
  if (reward === null) {
    const isGiven = typeof reason === "string" && reason !== "";
    return isGiven ? null : "a reward of null needs a reason";
  }
  if (rewards !== undefined || weights !== null) {
    if (reward !== undefined) return `it must return ${namesOf(weights)} and no reward`;
    return problemOfRewards(rewards, weights) ?? problemOfMetrics(metrics);
  }
  if (!isReward(reward)) return "reward must be a finite number, or null with a reason";
  return problemOfMetrics(metrics);
}

function isReward(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= MAX_REWARD;
}

function problemOfRewards(rewards: unknown, weights: RewardWeights | null): string | null {
  if (typeof rewards !== "object" || rewards === null || Array.isArray(rewards)) {
    return `it must return ${namesOf(weights)}`;
  }
  const given = Object.entries(rewards);
  if (given.length === 0 || given.length > MAX_REWARDS) {
    return `rewards must have 1 to ${MAX_REWARDS} names`;
  }
  for (const [name, value] of given) {
    const shownName = name.slice(0, MAX_SHOWN_NAME);
    if (!isReward(value)) return `rewards.${shownName} must be a finite number`;
    if (name.length > MAX_NAME) return `rewards.${shownName}... has a name that is too long`;
    if (weights === null || Object.hasOwn(weights, name)) continue;
    const nearest = nearestName(name, Object.keys(weights));
    const hint = nearest === null ? "" : ` (did you mean ${nearest}?)`;
    return `rewards.${shownName} is not in tasks.rewards.weights${hint}`;
  }
  const missing = Object.keys(weights ?? {}).find((name) => !Object.hasOwn(rewards, name));
  if (missing !== undefined) {
    return `rewards.${missing} is missing, which tasks.rewards.weights names`;
  }
  const isSummable = isReward(weightedSum(rewards as Record<string, number>, weights));
  return isSummable ? null : `the weighted sum of rewards is beyond ${MAX_REWARD}`;
}

/** Describes the rewards that a grade must have. */
function namesOf(weights: RewardWeights | null): string {
  if (weights === null) return "rewards, a number by name,";
  return `rewards with ${Object.keys(weights).join(", ")}, the names of tasks.rewards.weights,`;
}

/** Adds up rewards in the order of their names, so that the order of their object changes no bit. */
function weightedSum(
  rewards: Readonly<Record<string, number>>,
  weights: RewardWeights | null,
): number {
  const names = Object.keys(rewards).sort();
  return names.reduce((sum, name) => sum + (weights?.[name] ?? 1) * (rewards[name] as number), 0);
}

/**
 * NaN and Infinity, which the module's process sends as texts because JSON lacks them; they are
 * omitted.
 */
const NOT_FINITE: readonly unknown[] = ["NaN", "Infinity", "-Infinity"];

function problemOfMetrics(metrics: unknown): string | null {
  if (metrics === undefined || metrics === null) return null;
  if (typeof metrics !== "object" || Array.isArray(metrics)) return "metrics must be an object";
  const entries = Object.entries(metrics);
  if (entries.length > MAX_METRICS) return `metrics has more than ${MAX_METRICS} numbers`;
  for (const [name, value] of entries) {
    if (typeof value !== "number" && !NOT_FINITE.includes(value)) {
      return `metrics.${name.slice(0, MAX_SHOWN_NAME)} must be a number`;
    }
    if (name.length > MAX_NAME)
      return `metrics.${name.slice(0, MAX_SHOWN_NAME)}... has a name that is too long`;
    if (name.startsWith(REWARD_PREFIX)) return `metrics.${name} has the name of a reward`;
  }
  return null;
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : shownValue(value, MAX_SHOWN);
}
