import { systemClock } from "@gumshoe/core";

import { runCommandLine } from "./command-line.js";
import { processTerminal } from "./terminal/terminal.js";

const FAILED = 1;

/**
 * Runs the gumshoe command.
 *
 * @param words  the words after `gumshoe`
 * @returns      the exit code: 0 done, 1 failed, 2 wrong usage or config
 */
export function main(words: readonly string[]): Promise<number> {
  process.stdout.on("error", endWithoutOutput);
  // What is told on the way may get lost, as on a full disk or after `2>&1 | head`; the work goes on.
  process.stderr.on("error", () => undefined);
  return runCommandLine(words, {
    terminal: processTerminal,
    env: process.env,
    clock: systemClock,
    workingFolder: process.cwd(),
  });
}

/** `gumshoe ... | head` closes the pipe early, which is no failure; a result that cannot be written is one. */
function endWithoutOutput(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`gumshoe: the result cannot be written: ${error.message}\n`);
  process.exit(FAILED);
}
