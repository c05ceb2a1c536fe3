import { checkRecord } from "@gumshoe/puzzles";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { UnsoundCasesError } from "../errors.js";
import { readCases } from "../puzzle/read-cases.js";
import { formatCount } from "../terminal/format.js";
import { writeResult } from "../terminal/terminal.js";
import { withExamples, withJson } from "./options.js";

/** Adds `gumshoe puzzle check`. */
export function addCheckCommand(puzzle: Command, context: Context): void {
  const command = puzzle
    .command("check")
    .description("Check cases by their text alone: one solution, the given one, no clue too many.")
    .argument("<file>", "cases, JSON array or JSONL");
  withExamples(withJson(command), "gumshoe puzzle check cases.json");
  command.action((file: string, options: { json?: boolean }) => {
    const records = readCases(file);
    const cases = records.map((record, index) => ({ index, problems: checkRecord(record) }));
    const unsound = cases.filter(({ problems }) => problems.length > 0);
    writeResult(context.terminal, options, {
      value: { ok: unsound.length === 0, count: records.length, unsound },
      text: () =>
        [
          ...unsound.map(({ index, problems }) => `case ${index + 1}: ${problems.join("; ")}`),
          `${formatCount(records.length - unsound.length)} of ${formatCount(records.length)} cases ` +
            "are sound: one solution, the given one, and no clue too many",
        ].join("\n"),
    });
    if (unsound.length > 0) throw new UnsoundCasesError(unsound.length, records.length);
  });
}
