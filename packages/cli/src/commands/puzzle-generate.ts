import { type Style, STYLES, TIER_NAMES, type TierName } from "@gumshoe/puzzles";
import { type Command, Option } from "commander";

import { type Context } from "../context.js";
import { generateRecords, writeRecords } from "../puzzle/case-file.js";
import { formatCount, formatDuration } from "../terminal/format.js";
import { writeResult } from "../terminal/terminal.js";
import { wholeNumber, withExamples, withJson } from "./options.js";

interface GenerateOptions {
  readonly tier: TierName;
  readonly style: Style;
  readonly count: number;
  readonly seed: number;
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
    .requiredOption("--out <file>", "file to write: JSON, or JSONL if it ends in .jsonl");
  withExamples(
    withJson(command),
    "gumshoe puzzle generate --tier mini --count 200 --out cases.json",
  );
  command.action((options: GenerateOptions) => {
    const { clock, terminal } = context;
    const { out, tier, style } = options;
    const startedAtMs = clock.monotonicMs();
    const count = writeRecords(out, generateRecords(options));
    const seconds = (clock.monotonicMs() - startedAtMs) / 1000;
    writeResult(terminal, options, {
      value: { file: out, count, tier, style, seconds },
      text: () => `${formatCount(count)} cases in ${out}, made in ${formatDuration(seconds)}`,
    });
  });
}
