/**
 * Finds code of a run's environment that takes most of an iteration's time: a grader, or the
 * `task()` of a module. The times are those of the ledger's events.
 */
import { modulesOf, type RunConfig, runSources, type SingleSource, turnsOf } from "@gumshoe/config";
import type { RunEventBody } from "@gumshoe/protocol";

import type { IterationSums } from "./iteration-sums.js";

/** Share of the time from which on the code is slow ... */
const SLOW_SHARE = 0.5;
/** ... and below which it no longer is. */
const FAST_SHARE = 0.25;
/** Shorter times, in ms, cost nothing worth a warning. */
const MIN_MS = 1000;
/** Time, in ms, after which a warning does not wait for the end of the phase. */
const SOON_MS = 10_000;

/** A verdict on the time that code of the environment takes. */
export interface SlowCode {
  readonly isSlow: boolean;
  readonly code: "slow-grader" | "slow-tasks";
  readonly message: string;
}

/**
 * Judges the time of grading: at the end of sampling and of a validation, and before when it has
 * become long. Null where there is nothing to judge.
 */
export function slowGrading(
  body: RunEventBody,
  config: RunConfig,
  { gradingMs, workMs, workers, replies }: IterationSums,
): SlowCode | null {
  const isEnd = ["iteration-sampled", "validation-done", "report-done"].includes(body.type);
  const isSoon = body.type === "group-done" && gradingMs >= SOON_MS;
  if ((!isEnd && !isSoon) || replies === 0) return null;
  const share = gradingMs / Math.max(gradingMs, workMs.sampling * workers.size);
  const isSlow = gradingMs >= MIN_MS && share >= SLOW_SHARE;
  if (!isSlow && (!isEnd || share >= FAST_SHARE)) return null;
  const each = (gradingMs / replies / 1000).toPrecision(2);
  const { grader, remedy } = graderOf(config);
  const message =
    `grading takes ${Math.round(100 * share)} % of the time of sampling, ${each} s a reply ` +
    `(${replies} replies): ${remedy}, or start more inference workers; the grader is ${grader}`;
  return { isSlow, code: "slow-grader", message };
}

/** Judges the time of making an iteration's tasks. Null where there is nothing to judge. */
export function slowTasks(
  body: RunEventBody,
  config: RunConfig,
  { workMs, aheadMs, numTasks }: IterationSums,
): SlowCode | null {
  const isSoon = body.type === "iteration-planned" && workMs.tasks >= SOON_MS;
  if ((!isSoon && body.type !== "update-done") || numTasks === 0) return null;
  const { tasks, sampling, learning } = workMs;
  const share = tasks / Math.max(1, tasks + sampling + learning);
  const isSlow = isSoon || (tasks >= MIN_MS && share >= SLOW_SHARE);
  if (!isSlow && share >= FAST_SHARE) return null;
  const seconds = (tasks / 1000).toFixed(1);
  const each = (tasks / 1000 / numTasks).toPrecision(2);
  const message =
    `making the ${numTasks} tasks of an iteration takes ${seconds} s, ${each} s a task, while ` +
    `${aheadMs > 0 ? "inference" : "all"} workers wait: ${taskRemedy(config)}`;
  return { isSlow, code: "slow-tasks", message };
}

function graderOf(config: RunConfig): { grader: string; remedy: string } {
  const sources = gradedSources(config);
  const modules = sources.flatMap(modulesOf);
  const servers = sources.flatMap(({ source }) => (source.type === "http" ? [source.url] : []));
  const method = turnsOf(config) === undefined ? "grade" : "step";
  const own = [
    ...modules.map(({ module, makes }) => `${makes === "tasks" ? method : "grade"}() of ${module}`),
    ...servers.map((url) => `/grade of ${url}`),
  ];
  if (own.length === 0) {
    const name = config.type === "grpo" ? config.tasks.grader : config.grader;
    const others = sources.flatMap(({ source }) =>
      source.type === "file" ? [source.grader.type] : [],
    );
    const names = others.length === 0 ? [name] : [...new Set(others)];
    return { grader: `${names.join(" or ")} (built in)`, remedy: "allow shorter answers" };
  }
  return {
    grader: [...new Set(own)].join(" or "),
    remedy:
      modules.length === 0
        ? "make it faster"
        : "make it faster, or let it return a promise so that it waits for a group's replies at once",
  };
}

/** Lists the sources whose answers a run grades. */
function gradedSources(config: RunConfig): SingleSource[] {
  const held = [...runSources(config, "validation"), ...runSources(config, "report")];
  return config.type === "grpo" ? [...runSources(config, "train"), ...held] : held;
}

function taskRemedy(config: RunConfig): string {
  const sources = runSources(config, "train");
  const modules = sources.flatMap(modulesOf).filter(({ makes }) => makes === "tasks");
  if (modules.length > 0) {
    const files = modules.map(({ module }) => module).join(" and ");
    return `make task() of ${files} faster, or read what it needs in createEnvironment()`;
  }
  for (const { source } of sources) {
    if (source.type === "http") return `make /task of ${source.url} faster`;
  }
  return "write them to a file once (gumshoe puzzle generate), and name it as a source of type dataset";
}
