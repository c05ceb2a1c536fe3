const FULL = "█";
const EMPTY = "░";

/** Draws a bar of `width` characters for a share of 0 to 1. */
export function drawBar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return FULL.repeat(full) + EMPTY.repeat(width - full);
}

/**
 * One line at the bottom of the screen that is drawn again and again; other lines go above it.
 * Where there is no screen, the line is not drawn at all.
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

  /** Draws the line anew. */
  set(text: string): void {
    const shown = text.slice(0, Math.max(20, this.terminal.columns - 1));
    if (!this.terminal.isScreen || shown === this.#text) return;
    this.terminal.err(`\r\x1b[2K${shown}`);
    this.#text = shown;
  }

  /** Writes a line that stays, above the status line. */
  print(line: string): void {
    const status = this.#text;
    this.clear();
    this.terminal.err(`${line}\n`);
    if (status !== "") this.set(status);
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#text === "") return;
    this.terminal.err("\r\x1b[2K");
    this.#text = "";
  }
}
