/**
 * Control characters other than tabs and line ends, and bidirectional formatting characters.
 * Terminals interpret them, so external text could erase lines, forge others or set a window's
 * title.
 */
// eslint-disable-next-line no-control-regex -- these are meant
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Escapes a text for a terminal or a log: control characters become escapes such as `\u001b`, which
 * JSON parses back to the same text.
 */
export function printable(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
