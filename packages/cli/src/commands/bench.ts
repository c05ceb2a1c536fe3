import { InvalidArgumentError } from "@gumshoe/core";
import { type DeviceName, openDevice, parseDeviceName } from "@gumshoe/gpu";
import { Argument, type Command, Option } from "commander";

import {
  BENCHES,
  type BenchName,
  type BenchSettings,
  describeMachine,
  type Figure,
  type Machine,
  type ShapeName,
  SHAPES,
} from "@gumshoe/bench";

import type { Context } from "../context.js";
import { startBenchCluster } from "../local/bench-cluster.js";
import { startMeasuredRun } from "../local/measured-run.js";
import { drawBar, StatusLine } from "../terminal/progress-bar.js";
import { formatTable } from "../terminal/table.js";
import { writeResult } from "../terminal/terminal.js";
import { positiveNumber, wholeNumber, withExamples, withJson } from "./options.js";

const BAR_WIDTH = 24;
/** Source of the baselines. */
const BASELINE_NOTE =
  "baseline: PyTorch, Transformers and TRL on 2 cores of an AMD EPYC (Zen 5), another machine";

/** Benchmarks that a GPU can run. */
const ON_GPU: readonly BenchName[] = ["gpu", "train", "rollout", "iteration"];

/** The table's columns; a column that is empty in every row is omitted. */
const COLUMNS: readonly { title: string; of: (figure: Figure) => string }[] = [
  { title: "what", of: ({ name }) => name },
  { title: "shape", of: ({ shape }) => shape },
  { title: "median", of: ({ median }) => median.toPrecision(4) },
  { title: "p90", of: ({ p90 }) => p90?.toPrecision(4) ?? "" },
  { title: "unit", of: ({ unit }) => unit },
  { title: "baseline", of: ({ baseline }) => baseline?.toPrecision(4) ?? "" },
  { title: "better", of: ({ ratio }) => (ratio === undefined ? "" : `${ratio.toFixed(1)} x`) },
  {
    title: "of the limit",
    of: ({ share }) => (share === undefined ? "" : `${(100 * share).toFixed(0)}%`),
  },
];

interface BenchOptions {
  readonly shape: ShapeName;
  readonly device?: string;
  readonly threads?: number;
  readonly seconds: number;
  readonly workers: number;
  readonly jobs: number;
  readonly watchers: number;
  readonly config: readonly string[];
  readonly json?: boolean;
}

/** Adds `gumshoe bench`: measures speed, and shows the machine's limits. */
export function addBenchCommand(program: Command, context: Context): void {
  const command = program
    .command("bench")
    .description("Measure speed or memory, beside what this machine could do at best, or the plan.")
    .addArgument(
      new Argument("[what]", "what is measured; with --device cuda: gpu").choices(
        Object.keys(BENCHES),
      ),
    )
    .option("--device <name>", "GPU that gpu, train, rollout or iteration measures, such as cuda:0")
    .addOption(new Option("--shape <name>", "model shape").choices(SHAPES).default("2m"))
    .option("--threads <n>", "threads; default: all cores", wholeNumber(1, 1024))
    .option("--seconds <n>", "time to be spent on each figure", positiveNumber, 5)
    .option("--workers <n>", "simulated workers of `fleet`", wholeNumber(1, 1000), 200)
    .option("--jobs <n>", "jobs of `fleet`", wholeNumber(1, 65_536), 20_000)
    .option("--watchers <n>", "streams of `watchers`", wholeNumber(1, 10_000), 200)
    .option(
      "--config <file>",
      "run config whose memory `memory` measures, beside its plan (repeatable)",
      (file: string, before: readonly string[]) => [...before, file],
      [] as readonly string[],
    );
  withExamples(
    withJson(command),
    "gumshoe bench train --shape 25m",
    "gumshoe bench iteration --json",
    "gumshoe bench --device cuda:0",
    "gumshoe bench memory --config runs/first.yaml",
    "gumshoe bench fleet --workers 50 --jobs 1000",
  );
  command.action(async (what: BenchName | undefined, options: BenchOptions) => {
    const { terminal, env } = context;
    const device = measuredDevice(what, options.device);
    const subject = what ?? "gpu";
    const { shape, seconds, workers, jobs, watchers, threads = null } = options;
    const machine = describeMachine(subject === "puzzles" ? 1 : threads);
    const status = new StatusLine(terminal);
    const onProgress = (what: string, share: number) =>
      status.set(`${drawBar(share, BAR_WIDTH)}  ${what}`);
    let gpu: string | null = null;
    const about = threads === null ? {} : { threads };
    const settings: BenchSettings = {
      openDevice: () => {
        const opened = openDevice(device, { ...about, environment: env });
        if (device.type === "cuda") gpu = opened.name;
        return opened;
      },
      shape,
      seconds,
      threads,
      workers,
      jobs,
      watchers,
      onProgress,
      configs: options.config,
      startRun: (config) => startMeasuredRun(config, context),
      startCluster: (processes) => startBenchCluster(processes, context),
    };
    const results = await BENCHES[subject](settings);
    status.clear();
    writeResult(terminal, options, {
      value: { machine, ...(gpu === null ? {} : { gpu }), results },
      text: () => [...(gpu === null ? [] : [gpu]), describe(machine, results)].join("\n"),
    });
  });
}

/** @throws InvalidArgumentError when it is not said what is measured, or not on this device */
function measuredDevice(what: BenchName | undefined, device: string | undefined): DeviceName {
  const name = parseDeviceName("--device", device ?? (what === "gpu" ? "cuda" : "cpu"));
  if (what === undefined && name.type === "cpu") {
    throw new InvalidArgumentError("what", `is missing: one of ${Object.keys(BENCHES).join(", ")}`);
  }
  const subject = what ?? "gpu";
  if (name.type === "cuda" ? ON_GPU.includes(subject) : subject !== "gpu") return name;
  const problem = name.type === "cpu" ? "is measured on a GPU" : "is measured on the CPU only";
  throw new InvalidArgumentError("--device", `${what} ${problem}`, {
    suggestion: "gumshoe bench --device cuda:0 measures a GPU",
  });
}

function describe(machine: Machine, results: readonly Figure[]): string {
  const { processor, threads, instructionSet, fmaPeakGflops, node } = machine;
  const columns = COLUMNS.filter(({ of }) => results.some((figure) => of(figure) !== ""));
  const rows = results.map((figure) => columns.map(({ of }) => of(figure)));
  const header = columns.map(({ title }) => title);
  const isCompared = results.some(({ baseline }) => baseline !== undefined);
  return [
    `${processor}, ${threads} thread${threads === 1 ? "" : "s"}, ${instructionSet}, ${fmaPeakGflops} GFLOP/s at best, ` +
      `Node.js ${node}`,
    formatTable(header, rows),
    ...(isCompared ? [BASELINE_NOTE] : []),
  ].join("\n");
}
