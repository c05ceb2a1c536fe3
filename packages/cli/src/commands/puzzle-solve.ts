import { writeFileSync } from "node:fs";

import { ClusterError } from "@gumshoe/core";
import { solvePrompt } from "@gumshoe/puzzles";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { UnsoundCasesError, writingError } from "../errors.js";
import { readCases } from "../puzzle/read-cases.js";
import { writeResult } from "../terminal/terminal.js";
import { withExamples, withJson } from "./options.js";

/** The answer to each letter, or why the case has none. */
type Solved = { readonly solution: Record<string, string> } | { readonly error: string };

/** Adds `gumshoe puzzle solve`. */
export function addSolveCommand(puzzle: Command, context: Context): void {
  const command = puzzle
    .command("solve")
    .description("Solve cases from the text of their prompts alone.")
    .argument("<file>", "cases, JSON array or JSONL")
    .option("--replies <file>", "writes the answers as replies for gumshoe puzzle grade: JSON");
  withExamples(
    withJson(command),
    "gumshoe puzzle solve cases.json",
    "gumshoe puzzle solve cases.json --replies replies.json",
  );
  command.action((file: string, options: { json?: boolean; replies?: string }) => {
    const solved = readCases(file).map(({ prompt }) => solve(prompt));
    writeResult(context.terminal, options, {
      value: solved,
      text: () => solved.map(describe).join("\n"),
    });
    const numUnsolved = solved.filter((one) => "error" in one).length;
    if (numUnsolved > 0) throw new UnsoundCasesError(numUnsolved, solved.length);
    if (options.replies !== undefined) {
      const replies = solved.map((one) => lines(one).join("\n"));
      writeUserFile(options.replies, `${JSON.stringify(replies, null, 2)}\n`);
    }
  });
}

function solve(prompt: string): Solved {
  try {
    return { solution: solvePrompt(prompt).solution };
  } catch (thrown) {
    if (thrown instanceof ClusterError) return { error: thrown.message };
    throw thrown;
  }
}

function describe(solved: Solved, index: number): string {
  const text = "error" in solved ? solved.error : lines(solved).join("  ");
  return `case ${index + 1}: ${text}`;
}

/** Formats the answers of a case like a reply. */
function lines(solved: Solved): string[] {
  if ("error" in solved) return [];
  return Object.entries(solved.solution).map(([letter, answer]) => `${letter}. ${answer}`);
}

function writeUserFile(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (thrown) {
    throw writingError(path, thrown);
  }
}
