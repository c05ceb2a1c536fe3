import { type ConfigDifference, runDifferences } from "@gumshoe/config";
import { InvalidArgumentError } from "@gumshoe/core";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { Home } from "../local/home.js";
import { type MetricsLine, readMetrics, readRunConfig, runFolderOf } from "../run/run-files.js";
import { drawCurve } from "../terminal/curve.js";
import { formatDuration, formatReward } from "../terminal/format.js";
import { formatTable } from "../terminal/table.js";
import { writeResult } from "../terminal/terminal.js";
import { withExamples, withHome, withJson } from "./options.js";

const CURVE_WIDTH = 24;

interface CompareOptions {
  readonly home: string;
  readonly json?: boolean;
}

interface ComparedRun {
  readonly name: string;
  readonly iterations: number;
  readonly reward: number | null;
  readonly validation: number | null;
  readonly bestValidation: number | null;
  /** Reward of its report on the weights that it ended with. */
  readonly report: number | null;
  readonly seconds: number;
  readonly rewards: readonly number[];
}

/** Adds `gumshoe compare`: runs side by side. */
export function addCompareCommand(program: Command, context: Context): void {
  const command = program
    .command("compare")
    .description(
      "Compare runs in the home: their results, and the fields in which their configs differ.",
    )
    .argument("<runs...>", "names of two or more runs");
  withJson(withHome(command, context));
  withExamples(command, "gumshoe compare first second");
  command.action((names: string[], options: CompareOptions) => {
    if (names.length < 2) throw new InvalidArgumentError("runs", "name two or more to compare");
    const folders = names.map((name) => runFolderOf(new Home(options.home), name));
    const runs = folders.map((folder, i) => describeRun(names[i] ?? "", readMetrics(folder)));
    const differences = runDifferences(folders.map(readRunConfig));
    writeResult(context.terminal, options, {
      value: { runs: runs.map(({ rewards: _rewards, ...run }) => run), differences },
      text: () => `${resultsTable(runs)}\n\n${differencesTable(names, differences)}`,
    });
  });
}

function describeRun(name: string, lines: readonly MetricsLine[]): ComparedRun {
  const all = (metric: string) => lines.flatMap((line) => line[metric] ?? []);
  const validations = [...all("validationReward"), ...all("finalValidationReward")];
  const rewards = all("meanReward");
  return {
    name,
    iterations: lines.length,
    reward: rewards.at(-1) ?? null,
    validation: validations.at(-1) ?? null,
    bestValidation: validations.length === 0 ? null : Math.max(...validations),
    report: all("reportReward").at(-1) ?? null,
    seconds: all("seconds").reduce((sum, seconds) => sum + seconds, 0),
    rewards,
  };
}

function resultsTable(runs: readonly ComparedRun[]): string {
  const reward = (value: number | null) => (value === null ? "" : formatReward(value));
  const hasReport = runs.some(({ report }) => report !== null);
  const rows = runs.map((run) => [
    run.name,
    run.iterations,
    reward(run.reward),
    reward(run.validation),
    reward(run.bestValidation),
    ...(hasReport ? [reward(run.report)] : []),
    formatDuration(run.seconds),
    drawCurve(run.rewards, CURVE_WIDTH),
  ]);
  const results = ["reward", "validation", "best", ...(hasReport ? ["report"] : [])];
  return formatTable(["run", "iterations", ...results, "time", "reward curve"], rows);
}

function differencesTable(
  names: readonly string[],
  differences: readonly ConfigDifference[],
): string {
  if (differences.length === 0) return "their configs are the same";
  const rows = differences.map(({ field, values }) => [
    field,
    ...values.map((value) => (typeof value === "string" ? value : JSON.stringify(value))),
  ]);
  return formatTable(["config", ...names], rows);
}
