/**
 * Matches a line with an answer: optional list, table or bold markup, optional "Answer", a letter,
 * one of . ) : | or a dash between spaces, the answer.
 */
const ANSWER_LINE =
  /^[^\p{L}\p{N}]*(?:(?:[Aa]nswer|[Qq]uestion)\s+)?([A-Z])[*_]*(?:\s*[.):|]|\s+[-\u2013\u2014]\s)[*_]*\s*(\S.*)$/u;

/**
 * Extracts the answer to each letter from a reply, for the fixed grader.
 *
 * - An answer must be on its own line; the last one of a letter counts.
 * - Text within think tags is ignored. If the closing tag is missing, the reply was cut off, and
 *   all text after the opening tag is ignored.
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
 * Extracts the answer to one letter as the published recipe does: the last occurrence of letter,
 * period, space and a run of letters, spaces, periods, colons and hyphens, anywhere in the text.
 *
 * The run excludes digits, so a time of day never matches. Markup is not removed either.
 */
export function extractSeedAnswer(reply: string, letter: string): string | null {
  let last: string | null = null;
  for (const match of reply.matchAll(new RegExp(`${letter}\\. ([A-Za-z .:-]+)`, "g"))) {
    last = match[1] ?? null;
  }
  return last;
}
