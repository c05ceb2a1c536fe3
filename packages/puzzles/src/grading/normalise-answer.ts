/**
 * Normalises an answer for comparison: removes markup, quotes, a leading "the", the kind before a
 * colon, repeated spaces and trailing punctuation, ignores case, and rewrites a time of day as
 * "HH:MM AM".
 *
 * The remainder must be exactly the expected name: "Mrs. White or Mr. Green" stays wrong.
 */
export function normaliseAnswer(text: string): string {
  const plain = text
    .normalize("NFKC")
    .replace(/[*_`~"'\u2018\u2019\u201c\u201d]/g, "")
    .replace(/\s+/g, " ")
    .trim()
    .replace(/^(?:suspect|weapon|room|time|motive): */i, "");
  const bare = withoutTail(withoutBrackets(plain), " .,;:!|").toLowerCase();
  return normaliseTime(bare) ?? bare.replace(/^the /, "").replace(/^(mrs?|sgt)\.? /, "$1. ");
}

/** Removes brackets that enclose the whole answer, and punctuation after them. */
function withoutBrackets(text: string): string {
  if (!/^[([{]/.test(text)) return text;
  const inside = withoutTail(text, ".,;!");
  // The opening bracket may be the only one.
  return inside.length > 1 && /[)\]}]$/.test(inside) ? inside.slice(1, -1).trim() : text;
}

/** Removes these characters from the end in one pass: a reply may contain a million of them. */
function withoutTail(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/**
 * Parses "9:00 pm", "9 p.m", "09:00PM", "21:00" or "midnight" as "09:00 PM"; null when it is not a
 * time.
 */
function normaliseTime(text: string): string | null {
  if (text === "midnight") return "12:00 AM";
  const match = /^(?:at )?(\d{1,2})(?::(\d{2}))? ?(?:([ap])\.? ?m\.?)?$/.exec(text);
  if (match === null) return null;
  const [, hourText = "", minutes, half] = match;
  const hour = Number(hourText);
  if (Number(minutes ?? 0) > 59) return null;
  if (half === undefined) {
    // Without AM or PM only unambiguous 24-hour times are accepted: "21:00" and "00:15", not
    // "9:00".
    if (minutes === undefined || (hour >= 1 && hour <= 12) || hour > 23) return null;
    return clockLabel(hour, minutes);
  }
  if (hour < 1 || hour > 12) return null;
  return clockLabel((hour % 12) + (half === "p" ? 12 : 0), minutes ?? "00");
}

function clockLabel(hourOfDay: number, minutes: string): string {
  const hour = String(hourOfDay % 12 === 0 ? 12 : hourOfDay % 12).padStart(2, "0");
  return `${hour}:${minutes} ${hourOfDay < 12 ? "AM" : "PM"}`;
}
