import { availableParallelism } from "node:os";

import {
  type DifficultyRange,
  type Style,
  STYLES,
  TIER_NAMES,
  type TierName,
} from "@gumshoe/puzzles";
import { type Command, Option } from "commander";

import type { Context } from "../context.js";
import { writeRecords } from "../puzzle/case-file.js";
import { makeCases } from "../puzzle/make-cases.js";
import { formatClock, formatCount, formatDuration } from "../terminal/format.js";
import { drawBar, StatusLine } from "../terminal/progress-bar.js";
import { listenForStop } from "../terminal/stop-signal.js";
import { writeResult } from "../terminal/terminal.js";
import { stepRange, wholeNumber, withExamples, withJson } from "./options.js";

const BAR_WIDTH = 24;
/** Time after which a progress bar is shown, in ms. */
const BAR_AFTER_MS = 1000;

interface GenerateOptions {
  readonly tier: TierName;
  readonly style: Style;
  readonly count: number;
  readonly seed: number;
  readonly difficulty?: DifficultyRange;
  readonly threads?: number;
  readonly out: string;
  readonly json?: boolean;
}

/** Adds `gumshoe puzzle generate`. */
export function addGenerateCommand(puzzle: Command, context: Context): void {
  const command = puzzle
    .command("generate")
    .description("Make cases, each with a proof that it has one solution.")
    .addOption(new Option("--tier <name>", "size").choices(TIER_NAMES).default("mini"))
    .addOption(new Option("--style <name>", "wording").choices(STYLES).default("clear"))
    .option("--count <n>", "cases", wholeNumber(1, 10_000_000), 10)
    .option("--seed <n>", "names the endless series that they are the first of", wholeNumber(0), 1)
    .option("--difficulty <min..max>", "only cases whose deduction has so many steps", stepRange)
    .option(
      "--threads <n>",
      "threads; default: all cores; any number makes the same file",
      wholeNumber(1, 256),
    )
    .requiredOption("--out <file>", "file to write: JSON, or JSONL if it ends in .jsonl");
  withExamples(
    withJson(command),
    "gumshoe puzzle generate --tier mini --count 200 --out cases.json",
    "gumshoe puzzle generate --tier easy --difficulty 8..12 --out harder.json",
  );
  command.action(async (options: GenerateOptions) => {
    const { clock, terminal } = context;
    const { out, tier, style } = options;
    const startedAtMs = clock.monotonicMs();
    const count = await generate(options, context);
    const seconds = (clock.monotonicMs() - startedAtMs) / 1000;
    writeResult(terminal, options, {
      value: { file: out, count, tier, style, seconds },
      text: () => `${formatCount(count)} cases in ${out}, made in ${formatDuration(seconds)}`,
    });
  });
}

/** Writes the file, with a progress bar if it takes long; Ctrl-C ends it without a file. */
async function generate(options: GenerateOptions, { clock, terminal }: Context): Promise<number> {
  const { tier, style, seed, count, out } = options;
  const { difficulty = null, threads = availableParallelism() } = options;
  const startedAtMs = clock.monotonicMs();
  const status = new StatusLine(terminal);
  const stop = listenForStop(() => undefined);
  const series = { tier, style, seed, count, difficulty };
  const cases = makeCases(series, { threads, signal: stop.signal });
  try {
    return await writeRecords(out, cases, (done) => {
      const spentMs = clock.monotonicMs() - startedAtMs;
      if (spentMs < BAR_AFTER_MS) return;
      const left = formatClock(((spentMs / done) * (count - done)) / 1000);
      const counts = `${formatCount(done)}/${formatCount(count)} cases`;
      status.set(`${drawBar(done / count, BAR_WIDTH)}  ${counts}  ${left} left`);
    });
  } finally {
    status.clear();
    stop.dispose();
  }
}
