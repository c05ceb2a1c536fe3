/**
 * Control characters but for tabs and line ends, and the marks that turn the direction of writing: a terminal
 * takes them for commands, so that a foreign text could erase lines, forge others or set a window's title.
 */
// eslint-disable-next-line no-control-regex -- these are meant
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Returns a text as it may be written to a terminal or a log: control characters as `\u001b`, which JSON reads
 * as the same text again.
 */
export function printable(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
