import { wrapLine } from "../terminal/wrap.js";

/** Least characters of a column in which an answer can be read. */
const LEAST_WIDTH = 24;
const GAP = "  ";

/** A text with a heading. */
export interface TitledText {
  readonly title: string;
  readonly text: string;
}

/** Sets texts side by side in as many columns as fit; further ones follow below. */
export function sideBySide(texts: readonly TitledText[], width: number): string {
  const fitting = Math.max(1, Math.floor((width + GAP.length) / (LEAST_WIDTH + GAP.length)));
  const columns = Math.min(texts.length, fitting);
  const columnWidth = Math.floor((width + GAP.length) / columns) - GAP.length;
  const blocks: string[] = [];
  for (let i = 0; i < texts.length; i += columns) {
    const cells = texts
      .slice(i, i + columns)
      .map(({ title, text }) => [
        ...wrapped(title, columnWidth),
        "-".repeat(columnWidth),
        ...wrapped(text, columnWidth),
      ]);
    const height = Math.max(...cells.map(({ length }) => length));
    const rows = Array.from({ length: height }, (_, row) =>
      cells
        .map((cell) => (cell[row] ?? "").padEnd(columnWidth))
        .join(GAP)
        .trimEnd(),
    );
    blocks.push(rows.join("\n"));
  }
  return blocks.join("\n\n");
}

function wrapped(text: string, width: number): string[] {
  return text.split("\n").flatMap((line) => wrapLine(line, width));
}
