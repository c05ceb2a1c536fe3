import { printable } from "@gumshoe/core";

const FULL = "█";
const EMPTY = "░";

/** Draws a bar of `width` characters for a share of 0 to 1. */
export function drawBar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return FULL.repeat(full) + EMPTY.repeat(width - full);
}

/**
 * One line, or a few, at the bottom of the screen that are drawn again and again; other lines go above
 * them. Where there is no screen, they are not drawn at all. Control characters of foreign texts are written out.
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

  /** Draws the lines of the text anew. */
  set(text: string): void {
    const width = Math.max(20, this.terminal.columns - 1);
    const lines = printable(text)
      .split("\n")
      .map((line) => line.slice(0, width));
    const shown = lines.join("\n");
    if (!this.terminal.isScreen || shown === this.#text) return;
    this.terminal.err(this.#erase() + shown);
    this.#text = shown;
  }

  /** Writes a line that stays, above the status line. */
  print(line: string): void {
    const status = this.#text;
    this.clear();
    this.terminal.err(`${printable(line)}\n`);
    if (status !== "") this.set(status);
  }

  /** Takes the lines away. */
  clear(): void {
    if (this.#text === "") return;
    this.terminal.err(this.#erase());
    this.#text = "";
  }

  /** Empties the line of the cursor, and goes up through those above it that are ours. */
  #erase(): string {
    return "\r\x1b[2K" + "\x1b[1A\x1b[2K".repeat(this.#text.split("\n").length - 1);
  }
}
