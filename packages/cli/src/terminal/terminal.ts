import { printable } from "@gumshoe/core";

/** The output of a command: results go to stdout, everything else to stderr. */
export interface Terminal {
  /** Writes text to stdout unchanged. */
  out(text: string): void;
  /** Writes text to stderr unchanged. */
  err(text: string): void;
  /** Whether stderr is a terminal on which lines can be redrawn. */
  readonly isScreen: boolean;
  /** Width of the terminal in characters. */
  readonly columns: number;
}

/** The terminal of this process. */
export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  get isScreen() {
    return process.stderr.isTTY && process.env["TERM"] !== "dumb";
  },
  get columns() {
    return process.stderr.columns ?? 100;
  },
};

/**
 * Writes a command's result: one JSON document for programs, or text for people. Control characters
 * in external text are escaped.
 */
export function writeResult(
  terminal: Terminal,
  options: { json?: boolean | undefined },
  result: { value: unknown; text: () => string },
): void {
  if (options.json === true) terminal.out(`${printable(JSON.stringify(result.value))}\n`);
  else terminal.out(`${printable(result.text()).trimEnd()}\n`);
}
