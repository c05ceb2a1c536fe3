/**
 * A line that gives an answer: list, table or bold markup, perhaps "Answer", a letter, one of . ) : | or a
 * dash between spaces, the answer.
 */
const ANSWER_LINE =
  /^[^\p{L}\p{N}]*(?:(?:[Aa]nswer|[Qq]uestion)\s+)?([A-Z])[*_]*(?:\s*[.):|]|\s+[-\u2013\u2014]\s)[*_]*\s*(\S.*)$/u;

/**
 * Finds the answer to each letter in a reply, as the fixed grader reads it.
 *
 * - An answer stands on a line of its own; the last one of a letter counts.
 * - Thinking, in think tags, is no answer. One that was never ended was cut off, and hides all after it.
 *
 * @returns  raw answer text by letter; letters without an answer are absent
 */
export function extractAnswers(reply: string): Map<string, string> {
  const answers = new Map<string, string>();
  for (const line of withoutThinking(reply).split(/\r\n|\r|\n/)) {
    const match = ANSWER_LINE.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) answers.set(match[1], match[2]);
  }
  return answers;
}

function withoutThinking(reply: string): string {
  const closed = reply.lastIndexOf("</think>");
  const rest = closed < 0 ? reply : reply.slice(closed + "</think>".length);
  const opened = rest.indexOf("<think>");
  return opened < 0 ? rest : rest.slice(0, opened);
}

/**
 * Finds the answer to one letter as the published recipe does: the last place of letter, period, space
 * and a run of letters, spaces, periods, colons and hyphens, anywhere in the text.
 *
 * The run has no digits, so that a time of day is never found. Markup is not removed either.
 */
export function extractSeedAnswer(reply: string, letter: string): string | null {
  let last: string | null = null;
  for (const match of reply.matchAll(new RegExp(`${letter}\\. ([A-Za-z .:-]+)`, "g"))) {
    last = match[1] ?? null;
  }
  return last;
}
