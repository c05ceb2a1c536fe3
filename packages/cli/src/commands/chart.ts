import { writeFileSync } from "node:fs";

import type { Command } from "commander";

// `import type` leaves no import behind: the libraries are loaded when a chart is drawn.
import type { ChartOptions } from "../chart/draw-chart.js";
import { curveOf } from "../chart/curve-points.js";
import type { Context } from "../context.js";
import { writingError } from "../errors.js";
import { Prices, PRICES_OPTION } from "../eval/prices.js";
import { Home } from "../local/home.js";
import { readJsonFile } from "../run/read-json-file.js";
import { readMetrics, runFolderOf } from "../run/run-files.js";
import { writeResult } from "../terminal/terminal.js";
import { withExamples, withHome, withJson } from "./options.js";

interface OutOptions {
  readonly out: string;
  readonly title?: string;
  readonly json?: boolean;
}

/**
 * Adds `gumshoe chart`: charts of results and of runs, as SVG or PNG. The modules of `chart/` are
 * imported when they are used, because no other command needs their libraries.
 */
export function addChartCommand(program: Command, context: Context): void {
  const chart = program.command("chart").description("Draw results or runs as SVG or PNG.");
  addAccuracyChart(chart, context);
  addCurveChart(chart, context);
}

function addAccuracyChart(chart: Command, context: Context): void {
  const command = chart
    .command("accuracy")
    .description("Chart accuracy against cost, with 95 % intervals.")
    .argument("<files...>", "files that gumshoe eval --json has written")
    .option("--prices <file>", `${PRICES_OPTION}; without an entry, the result's own cost counts`);
  withExamples(
    withOut(command),
    "gumshoe chart accuracy a.json b.json --prices prices.json --out chart.svg",
  );
  command.action(async (files: string[], options: OutOptions & { readonly prices?: string }) => {
    const { accuracyChart, accuracyPoint, EvaluationFile } =
      await import("../chart/accuracy-chart.js");
    const prices = options.prices === undefined ? {} : readJsonFile(options.prices, Prices);
    const points = files.map((file) =>
      accuracyPoint(file, readJsonFile(file, EvaluationFile), prices),
    );
    const title = options.title ?? "Accuracy against cost";
    await write({ ...accuracyChart(points), title }, { options, context, points });
  });
}

function addCurveChart(chart: Command, context: Context): void {
  const command = chart
    .command("curve")
    .description("Chart metrics of one or several runs in the home over their iterations.")
    .argument("<runs...>", "names of the runs")
    .option("--metric <name...>", "metrics of metrics.jsonl", ["meanReward"]);
  withExamples(
    withHome(withOut(command), context),
    "gumshoe chart curve first --metric validationGreedyReward validationReward --out first.svg",
  );
  type Options = OutOptions & { readonly home: string; readonly metric: readonly string[] };
  command.action(async (runs: string[], options: Options) => {
    const { curveChart } = await import("../chart/curve-chart.js");
    const { metric: metrics } = options;
    const points = runs.flatMap((run) => {
      const lines = readMetrics(runFolderOf(new Home(options.home), run));
      return metrics.flatMap((metric) => {
        const name = [...(runs.length > 1 ? [run] : []), ...(metrics.length > 1 ? [metric] : [])];
        return curveOf(name.length === 0 ? run : name.join(" "), lines, metric);
      });
    });
    const title = options.title ?? runs.join(", ");
    const label = metrics.length === 1 ? (metrics[0] ?? "") : "value";
    await write({ ...curveChart(points, label), title }, { options, context, points });
  });
}

function withOut(command: Command): Command {
  return withJson(
    command
      .requiredOption("--out <file>", "the picture, ending with .svg or .png")
      .option("--title <text>", "title of the chart"),
  );
}

async function write(
  chart: ChartOptions & { readonly title: string },
  {
    options,
    context,
    points,
  }: { options: OutOptions; context: Context; points: readonly object[] },
): Promise<void> {
  const { drawChart } = await import("../chart/draw-chart.js");
  const bytes = drawChart(chart, options.out);
  try {
    writeFileSync(options.out, bytes);
  } catch (thrown) {
    throw writingError(options.out, thrown);
  }
  writeResult(context.terminal, options, {
    value: { file: options.out, points },
    text: () => `${options.out}: ${points.length} points`,
  });
}
