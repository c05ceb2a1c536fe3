import {
  explainCase,
  generateCase,
  showCase,
  type Style,
  STYLES,
  TIER_NAMES,
  type TierName,
} from "@gumshoe/puzzles";
import { type Command, Option } from "commander";
import { InvalidArgumentError } from "@gumshoe/core";

import type { Context } from "../context.js";
import { FileError } from "../errors.js";
import { readCases } from "../puzzle/read-cases.js";
import { formatCount } from "../terminal/format.js";
import { writeResult } from "../terminal/terminal.js";
import { wholeNumber, withExamples, withJson } from "./options.js";

interface ShowOptions {
  readonly tier?: TierName;
  readonly style?: Style;
  readonly seed?: number;
  readonly index: number;
  readonly json?: boolean;
}

/** Adds `gumshoe puzzle show`. */
export function addShowCommand(puzzle: Command, context: Context): void {
  const command = puzzle
    .command("show")
    .description("Show one case: its prompt, how it is solved step by step, who was where.")
    .argument("[file]", "cases, JSON array or JSONL; without it, a case is made")
    .addOption(
      new Option("--tier <name>", "size of the made case; default: mini").choices(TIER_NAMES),
    )
    .addOption(new Option("--style <name>", "its wording; default: clear").choices(STYLES))
    .option("--seed <n>", "the series it belongs to; default: 1", wholeNumber(0))
    .option("--index <n>", "which case of the file or series, from 0", wholeNumber(0), 0);
  withExamples(
    withJson(command),
    "gumshoe puzzle show cases.json --index 3",
    "gumshoe puzzle show --tier easy --seed 7",
  );
  command.action((file: string | undefined, options: ShowOptions) => {
    const prompt = file === undefined ? madePrompt(options) : filePrompt(file, options);
    const explained = explainCase(prompt);
    const { solution, trace } = explained;
    writeResult(context.terminal, options, {
      value: { prompt, solution, trace },
      text: () => showCase(explained),
    });
  });
}

function madePrompt({ tier = "mini", style = "clear", seed = 1, index }: ShowOptions): string {
  return generateCase({ tier, style, seed, index }).prompt;
}

function filePrompt(file: string, options: ShowOptions): string {
  for (const name of ["tier", "style", "seed"] as const) {
    if (options[name] === undefined) continue;
    throw new InvalidArgumentError(
      `--${name}`,
      "names a case to be made; leave it out with a file",
    );
  }
  const records = readCases(file);
  const record = records[options.index];
  if (record !== undefined) return record.prompt;
  const known =
    records.length === 1
      ? "1 case, index 0"
      : `${formatCount(records.length)} cases, index 0 to ${records.length - 1}`;
  throw new FileError(file, `has ${known}; there is no ${options.index}`);
}
