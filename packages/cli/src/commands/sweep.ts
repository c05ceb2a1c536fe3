import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";

import { parseSweep, type SweepConfig, type SweepRun, sweepRuns } from "@gumshoe/config";
import { InvalidArgumentError } from "@gumshoe/core";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { curveOf } from "../chart/curve-points.js";
import { ConfigFileError, SweepIncompleteError, writingError } from "../errors.js";
import { Home } from "../local/home.js";
import { readUserFile } from "../run/load-config.js";
import { type MetricsLine, readMetrics } from "../run/run-files.js";
import { executeSweep, loadSweepConfigs } from "../run/sweep.js";
import { describeSweep, ranked, rankingMetric, sweepResult } from "../run/sweep-table.js";
import { shortPath } from "../terminal/short-path.js";
import { shownCommand } from "../terminal/shown-command.js";
import { writeResult } from "../terminal/terminal.js";
import { fleetSize, type LocalFleetOptions } from "./fleet-size.js";
import { defaultHome, withExamples, withFleet, withHome, withJson } from "./options.js";

interface SweepOptions extends LocalFleetOptions {
  readonly home: string;
  readonly table?: boolean;
  readonly chart?: string;
  readonly allowOvercommit?: boolean;
  readonly json?: boolean;
  readonly logLevel: string;
}

/** Adds `gumshoe sweep`: runs of one config with different values. */
export function addSweepCommand(program: Command, context: Context): void {
  const command = program
    .command("sweep")
    .description(
      "Train several runs of one config that differ in some fields, one after the other on a cluster of their own, " +
        "and rank them. Runs that are done already are not repeated.",
    )
    .argument("<file>", "sweep, YAML or JSON: config, and a grid of values or a list of runs")
    .option("--table", "train nothing: show what the runs in the home have reached")
    .option("--chart <file>", "also draw the curves of the metric, as SVG or PNG");
  withJson(withFleet(withHome(command, context), context));
  withExamples(
    command,
    "gumshoe sweep runs/learning-rates.yaml",
    "gumshoe sweep runs/learning-rates.yaml --table --chart rates.svg",
  );
  command.action((file: string, options: SweepOptions) => sweepCommand(file, options, context));
}

async function sweepCommand(file: string, options: SweepOptions, context: Context): Promise<void> {
  const { chart } = options;
  if (chart !== undefined && !/\.(svg|png)$/.test(chart)) {
    throw new InvalidArgumentError("--chart", `${chart} ends with neither .svg nor .png`);
  }
  const { sweep, runs } = readSweep(file);
  const home = new Home(options.home);
  const numFailed =
    options.table === true ? 0 : await trainAll(file, { sweep, runs, options, home, context });
  const lines = runs.map(({ name }) => readMetrics(home.runFolder(name)));
  const metric = sweep.metric ?? rankingMetric(lines);
  checkMetric(metric, lines);
  const results = runs.map((run, i) => sweepResult(run, lines[i] ?? [], metric));
  if (chart !== undefined) await drawCurves(chart, { runs, lines, metric, title: sweep.name });
  writeResult(context.terminal, options, {
    value: { sweep: sweep.name, metric, runs: ranked(results, metric) },
    text: () => describeSweep(results, metric),
  });
  if (numFailed > 0) throw new SweepIncompleteError(sweep.name, numFailed, runs.length);
}

/** Reads a sweep. @throws ConfigFileError naming the file and the field; FileError */
function readSweep(file: string) {
  const text = readUserFile(file);
  try {
    const sweep = parseSweep(text, file);
    return { sweep, runs: sweepRuns(sweep) };
  } catch (thrown) {
    if (!(thrown instanceof InvalidArgumentError)) throw thrown;
    throw new ConfigFileError(file, thrown);
  }
}

/** Trains the runs that are not done yet; returns how many failed. */
async function trainAll(
  file: string,
  work: {
    sweep: SweepConfig;
    runs: readonly SweepRun[];
    options: SweepOptions;
    home: Home;
    context: Context;
  },
): Promise<number> {
  const { sweep, runs, options, home, context } = work;
  const homeWords = options.home === defaultHome(context.env) ? [] : ["--home", options.home];
  const words = ["sweep", shortPath(file, context.workingFolder), ...homeWords];
  const again = shownCommand(context.env, words);
  const configFile = resolve(dirname(file), sweep.config);
  const loaded = await loadSweepConfigs(configFile, runs, {
    home,
    again,
    context,
    workers: options.allowOvercommit === true ? null : options,
  });
  home.create();
  return executeSweep(loaded, {
    home,
    again,
    fleet: fleetSize(options, availableParallelism()),
    logLevel: options.logLevel,
    allowOvercommit: options.allowOvercommit === true,
    context,
  });
}

function checkMetric(metric: string, lines: readonly (readonly MetricsLine[])[]): void {
  const known = new Set(lines.flat().flatMap((line) => Object.keys(line)));
  if (known.size === 0 || known.has(metric)) return;
  throw new InvalidArgumentError("metric", `no iteration has ${metric}`, {
    suggestion: `there are ${[...known].sort().join(", ")}`,
  });
}

async function drawCurves(
  file: string,
  drawn: {
    runs: readonly SweepRun[];
    lines: readonly (readonly MetricsLine[])[];
    metric: string;
    title: string;
  },
): Promise<void> {
  const { runs, lines, metric, title } = drawn;
  const points = runs.flatMap(({ values }, i) => {
    const measured = lines[i] ?? [];
    const name = Object.entries(values)
      .map(([field, value]) => `${field.split(".").at(-1)} ${JSON.stringify(value)}`)
      .join(", ");
    return measured.some((line) => metric in line) ? curveOf(name, measured, metric) : [];
  });
  if (points.length === 0) {
    throw new InvalidArgumentError("--chart", `no run has ${metric} yet: there is nothing to draw`);
  }
  const [{ curveChart }, { drawChart }] = await Promise.all([
    import("../chart/curve-chart.js"),
    import("../chart/draw-chart.js"),
  ]);
  const bytes = drawChart({ ...curveChart(points, metric), title }, file);
  try {
    writeFileSync(file, bytes);
  } catch (thrown) {
    throw writingError(file, thrown);
  }
}
