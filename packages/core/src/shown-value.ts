/** Most characters of a value in an error message. */
const MAX_SHOWN = 80;

/**
 * Formats a value of an external file or reply for an error message: as JSON, truncated. Nesting
 * deeper than the stack, for which JSON.stringify throws, is only described.
 */
export function shownValue(value: unknown, maxCharacters = MAX_SHOWN): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    return "a value that cannot be shown";
  }
  if (text === undefined) return "undefined";
  return text.length > maxCharacters ? `${text.slice(0, maxCharacters)}...` : text;
}
