import { printable } from "@gumshoe/core";

/** Where a command writes: results to stdout, everything else to stderr. */
export interface Terminal {
  /** Writes text to stdout as it is. */
  out(text: string): void;
  /** Writes text to stderr as it is. */
  err(text: string): void;
  /** Whether stderr is a screen that lines can be redrawn on. */
  readonly isScreen: boolean;
  /** Width of the screen in characters. */
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
 * Writes a command's result: one JSON document for programs, or text for people. Control characters of foreign
 * texts in it are written out.
 */
export function writeResult(
  terminal: Terminal,
  options: { json?: boolean | undefined },
  result: { value: unknown; text: () => string },
): void {
  if (options.json === true) terminal.out(`${printable(JSON.stringify(result.value))}\n`);
  else terminal.out(`${printable(result.text()).trimEnd()}\n`);
}
