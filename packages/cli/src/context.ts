import { type Clock } from "@gumshoe/core";

import { type Terminal } from "./terminal/terminal.js";

/** What commands get from the outside world. */
export interface Context {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Folder that the command was typed in. */
  readonly workingFolder: string;
}
