import { systemClock } from "@gumshoe/core";

import { runCommandLine } from "./command-line.js";
import { processTerminal } from "./terminal/terminal.js";

const FAILED = 1;

/**
 * Runs the gumshoe command.
 *
 * @param words  the arguments after `gumshoe`
 * @returns      the exit code: 0 success, 1 failure, 2 wrong usage or config
 */
export function main(words: readonly string[]): Promise<number> {
  process.stdout.on("error", endWithoutOutput);
  // Progress output may fail, e.g. on a full disk or after `2>&1 | head`, without ending the work.
  process.stderr.on("error", () => undefined);
  return runCommandLine(words, {
    terminal: processTerminal,
    env: process.env,
    clock: systemClock,
    workingFolder: process.cwd(),
  });
}

/**
 * An early closed pipe, as in `gumshoe ... | head`, is not a failure; other errors of writing a
 * result are.
 */
function endWithoutOutput(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`gumshoe: the result cannot be written: ${error.message}\n`);
  process.exit(FAILED);
}
