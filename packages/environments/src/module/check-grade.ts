import { shownValue } from "@gumshoe/core";
import { type TaskGrade } from "@gumshoe/puzzles";

import { type Outcome } from "./messages.js";

/** Largest magnitude of a reward: sums of such rewards are finite. */
const MAX_REWARD = 1e30;
/** Most metrics of one reply: they are stored with every reply of the run. */
const MAX_METRICS = 200;
const MAX_NAME = 100;
/** Most characters of a stored reason. */
const MAX_REASON = 1000;
/** Most characters of an invalid grade in an error message. */
const MAX_SHOWN = 120;

/** The method of a module that gives the grade. */
type Grading = "grade" | "step";

const THREW: Readonly<Record<Grading, string>> = {
  grade: "grade() threw: ",
  step: "step() threw: ",
};
const RETURNED: Readonly<Record<Grading, string>> = {
  grade: "grade() returned ",
  step: "step() returned ",
};
const FORM: Readonly<Record<Grading, string>> = {
  grade: "it must return { reward, metrics }",
  step: "it must return { messages, state } or { reward, metrics }",
};

/**
 * Validates the grade that a module returned. An exception means that the reply could not be scored; so does
 * a result of the wrong form.
 */
export function checkGrade(outcome: Outcome, method: Grading = "grade"): TaskGrade {
  if (!outcome.ok) {
    const text = outcome.text.replace(/\s+/g, " ");
    return { reward: null, reason: `${THREW[method]}${text}`.slice(0, MAX_REASON), metrics: {} };
  }
  const problem = problemOf(outcome.value, method);
  if (problem !== null) return wrongForm(method, outcome.value, problem);
  const { reward, metrics = {}, reason = "" } = outcome.value as GivenGrade;
  const numbers = Object.entries(metrics ?? {}).filter(
    (entry): entry is [string, number] => typeof entry[1] === "number",
  );
  const checked = Object.fromEntries(numbers);
  return reward === null
    ? { reward, reason: reason.slice(0, MAX_REASON), metrics: checked }
    : { reward, metrics: checked };
}

/** Returns the grade of an answer whose module returned a value of the wrong form. */
export function wrongForm(method: Grading, value: unknown, problem: string): TaskGrade {
  const reason = `${RETURNED[method]}${shown(value)}: ${problem}`;
  return { reward: null, reason, metrics: {} };
}

/** Returns whether a grade has no reward because the module returned a value of the wrong form. */
export function isWrongForm(grade: TaskGrade): boolean {
  return grade.reward === null && beginsWith(grade.reason, RETURNED);
}

/** Returns whether a grade has no reward because the module threw an exception. */
export function hasThrown(grade: TaskGrade): boolean {
  return grade.reward === null && beginsWith(grade.reason, THREW);
}

function beginsWith(reason: string, beginnings: Readonly<Record<Grading, string>>): boolean {
  return Object.values(beginnings).some((beginning) => reason.startsWith(beginning));
}

interface GivenGrade {
  readonly reward: number | null;
  readonly reason?: string;
  /** A number that is not finite arrives as a text, and is omitted. */
  readonly metrics?: Readonly<Record<string, number | string>> | null;
}

function problemOf(value: unknown, method: Grading): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return FORM[method];
  const { reward, reason, metrics } = value as Record<string, unknown>;
  if (reward === null) {
    const isGiven = typeof reason === "string" && reason !== "";
    return isGiven ? null : "a reward of null needs a reason";
  }
  if (typeof reward !== "number" || Math.abs(reward) > MAX_REWARD) {
    return "reward must be a finite number, or null with a reason";
  }
  return problemOfMetrics(metrics);
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
      return `metrics.${name.slice(0, 40)} must be a number`;
    }
    if (name.length > MAX_NAME)
      return `metrics.${name.slice(0, 40)}... has a name that is too long`;
  }
  return null;
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : shownValue(value, MAX_SHOWN);
}
