/**
 * Control characters made visible.
 *
 * Answers are written by a model: they may hold terminal sequences, zero bytes, or marks that
 * reverse the direction of the text after them. Each is shown by a sign of its own; line breaks and
 * tabs stay.
 */

// eslint-disable-next-line no-control-regex -- these are the characters to be shown
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
const UNSEEN =
  /[\u0080-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Returns a text in which every character that is not drawn, or acts on others, has a visible sign. */
export function visibleText(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(CONTROL, (sign) => {
      const code = sign.charCodeAt(0);
      return String.fromCharCode(code === 0x7f ? 0x2421 : 0x2400 + code);
    })
    .replace(
      UNSEEN,
      (sign) => `⟨U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
    );
}
