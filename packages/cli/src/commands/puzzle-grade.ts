import type { GraderName } from "@gumshoe/puzzles";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { gradeReplies, parseReplies } from "../puzzle/replies.js";
import { readCases } from "../puzzle/read-cases.js";
import { readUserFile } from "../run/load-config.js";
import { formatCount, formatInterval } from "../terminal/format.js";
import { writeResult } from "../terminal/terminal.js";
import { withExamples, withJson } from "./options.js";

interface GradeOptions {
  readonly legacy?: boolean;
  readonly json?: boolean;
}

/** Adds `gumshoe puzzle grade`. */
export function addGradeCommand(puzzle: Command, context: Context): void {
  const command = puzzle
    .command("grade")
    .description("Score replies against a file of cases.")
    .argument("<file>", "cases, JSON array or JSONL")
    .argument("<replies>", "JSON array of texts in the cases' order, or JSONL of {index, reply}")
    .option(
      "--legacy",
      "read replies as the published recipe does: it never credits a time of day",
    );
  withExamples(withJson(command), "gumshoe puzzle grade cases.json replies.json");
  command.action((file: string, repliesFile: string, options: GradeOptions) => {
    const records = readCases(file);
    const replies = parseReplies(readUserFile(repliesFile), records.length);
    const grader: GraderName = options.legacy === true ? "seed" : "fixed";
    const graded = gradeReplies(records, replies, grader);
    writeResult(context.terminal, options, {
      value: graded,
      text: () =>
        `${graded.mean.toFixed(4)} (95 %: ${formatInterval(graded)}), ` +
        `${formatCount(graded.scores.length)} replies to ${formatCount(graded.count)} cases`,
    });
  });
}
