import { printable } from "@gumshoe/core";

import { wrapText } from "./wrap.js";

const FULL = "█";
const EMPTY = "░";

/** Draws a bar of `width` characters for a share of 0 to 1. */
export function drawBar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return FULL.repeat(full) + EMPTY.repeat(width - full);
}

/**
 * One or more status lines at the bottom of the terminal that are redrawn in place; permanent lines
 * are printed above them. Without a terminal they are not drawn. Control characters in external
 * text are escaped.
 */
export class StatusLine {
  #text = "";

  constructor(
    private readonly terminal: {
      err(text: string): void;
      readonly isScreen: boolean;
      readonly columns: number;
    },
  ) {}

  /** Redraws the status with a new text. */
  set(text: string): void {
    const shown = this.#wrapped(text);
    if (!this.terminal.isScreen || shown === this.#text) return;
    this.terminal.err(this.#erase() + shown);
    this.#text = shown;
  }

  /** Prints a permanent line above the status. */
  print(line: string): void {
    const status = this.#text;
    this.clear();
    this.terminal.err(`${this.#wrapped(line)}\n`);
    if (status !== "") this.set(status);
  }

  /** Removes the status. */
  clear(): void {
    if (this.#text === "") return;
    this.terminal.err(this.#erase());
    this.#text = "";
  }

  /** Wraps at words what a terminal would wrap anywhere; elsewhere a line stays a line. */
  #wrapped(text: string): string {
    const { isScreen, columns } = this.terminal;
    return isScreen ? wrapText(printable(text), Math.max(20, columns - 1)) : printable(text);
  }

  /** Returns the escape sequence that erases the status lines, from the last to the first. */
  #erase(): string {
    return "\r\x1b[2K" + "\x1b[1A\x1b[2K".repeat(this.#text.split("\n").length - 1);
  }
}
