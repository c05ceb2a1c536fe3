/** Indentation and marks at the start of a line, which its continuations repeat. */
const PREFIX = /^ *(?:[|>] )?/;

/** Wraps a line at spaces where there are any; a longer word is cut. */
export function wrapLine(line: string, width: number): string[] {
  const lines: string[] = [];
  let rest = line.replaceAll("\t", " ");
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const cut = space > 0 ? space : width;
    lines.push(rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).trimStart();
  }
  return [...lines, rest];
}

/** Wraps the lines of a text at spaces, and repeats the indentation and marks of each. */
export function wrapText(text: string, width: number): string {
  const lines = text.split("\n").flatMap((line) => {
    const prefix = PREFIX.exec(line)?.[0] ?? "";
    const room = Math.max(1, width - prefix.length);
    return wrapLine(line.slice(prefix.length), room).map((part) => (prefix + part).trimEnd());
  });
  return lines.join("\n");
}
