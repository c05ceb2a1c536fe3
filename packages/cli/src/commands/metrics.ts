import type { Command } from "commander";

import type { Context } from "../context.js";
import { Home } from "../local/home.js";
import { type MetricsLine, readMetrics, runFolderOf } from "../run/run-files.js";
import { formatTable } from "../terminal/table.js";
import { writeResult } from "../terminal/terminal.js";
import { withExamples, withHome, withJson } from "./options.js";

/** Iterations in the table for people. */
const SHOWN = 20;
const DIGITS = 4;
/** Metrics in the table for people, with their headings. */
const COLUMNS = [
  ["meanReward", "reward"],
  ["validationReward", "validation"],
  ["zeroVarianceShare", "equal groups"],
  ["meanAnswerTokens", "tokens"],
  ["truncatedShare", "cut"],
  ["entropy", "entropy"],
  ["policyKl", "KL"],
  ["gradNorm", "gradient"],
  ["loss", "loss"],
  ["seconds", "seconds"],
] as const;

interface MetricsOptions {
  readonly home: string;
  readonly csv?: boolean;
  readonly json?: boolean;
}

/** Adds `gumshoe metrics`: the metrics of a run's iterations. */
export function addMetricsCommand(program: Command, context: Context): void {
  const command = program
    .command("metrics")
    .description("Show the metrics of a run in the home, iteration by iteration.")
    .argument("<run>", "name of the run")
    .option("--csv", "all metrics of all iterations, as comma-separated values");
  withJson(withHome(command, context));
  withExamples(command, "gumshoe metrics first", "gumshoe metrics first --csv > first.csv");
  command.action((run: string, options: MetricsOptions) => {
    const lines = readMetrics(runFolderOf(new Home(options.home), run));
    const text = () => (options.csv === true ? toCsv(lines) : describe(lines));
    writeResult(context.terminal, options, { value: lines, text });
  });
}

function describe(lines: readonly MetricsLine[]): string {
  if (lines.length === 0) return "no iteration is done yet";
  const columns = COLUMNS.filter(([name]) => lines.some((line) => line[name] !== undefined));
  const rows = lines
    .slice(-SHOWN)
    .map((line, i) => [line["iteration"] ?? i, ...columns.map(([name]) => format(line[name]))]);
  return formatTable(["iteration", ...columns.map(([, heading]) => heading)], rows);
}

function format(value: number | undefined): string {
  return value === undefined ? "" : String(Number(value.toPrecision(DIGITS)));
}

/** Formats all metrics as comma-separated values; their names are words, so that nothing is quoted. */
function toCsv(lines: readonly MetricsLine[]): string {
  const names = [...new Set(lines.flatMap((line) => Object.keys(line)))];
  const rows = lines.map((line) => names.map((name) => line[name] ?? "").join(","));
  return [names.map(quoted).join(","), ...rows].join("\n");
}

/** A metric of a user's environment may have any name. */
function quoted(name: string): string {
  return /^[\w.]+$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
