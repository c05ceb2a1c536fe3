/** Characters of a value that an error shows. */
const MAX_SHOWN = 80;

/**
 * Writes a value of a foreign file or reply as an error shows it: as JSON, cut where it is long. One that is
 * nested deeper than the stack is only named, as JSON.stringify would throw.
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
