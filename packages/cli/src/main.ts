import { systemClock } from "@gumshoe/core";

import { runCommandLine } from "./command-line.js";
import { processTerminal } from "./terminal/terminal.js";

/**
 * Runs the gumshoe command.
 *
 * @param words  the words after `gumshoe`
 * @returns      the exit code: 0 done, 1 failed, 2 wrong usage or config
 */
export function main(words: readonly string[]): Promise<number> {
  process.stdout.on("error", endWhenNobodyReads);
  return runCommandLine(words, {
    terminal: processTerminal,
    env: process.env,
    clock: systemClock,
    workingFolder: process.cwd(),
  });
}

/** `gumshoe ... | head` closes the pipe early: there is nobody left to tell anything. */
function endWhenNobodyReads(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
}
