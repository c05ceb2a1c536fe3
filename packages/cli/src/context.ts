import type { Clock } from "@gumshoe/core";

import type { Terminal } from "./terminal/terminal.js";

/** The command's access to the outside world. */
export interface Context {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Folder in which the command was typed. */
  readonly workingFolder: string;
}
