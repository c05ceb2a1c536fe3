import { extractAnswers } from "./extract-answers.js";

/** Least words of a text that counts as reasoning: a heading such as "My answers:" is shorter. */
const LEAST_WORDS = 6;

/** Returns whether a reply reasons: it has a text before its first answer, or between think tags. */
export function reasonsFirst(reply: string): boolean {
  const lines: string[] = [];
  for (const line of reply.split(/\r\n|\r|\n/)) {
    if (extractAnswers(line).size > 0) break;
    lines.push(line);
  }
  const words = lines.join(" ").match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.length >= LEAST_WORDS;
}
