/**
 * Finds the answer to each letter in a reply, as the fixed grader reads it.
 *
 * - An answer stands on a line of its own; the last one of a letter counts.
 * - Thinking, in think tags, is no answer. One that was never ended was cut off, and hides all after it.
 *
 * @returns  raw answer text by letter; letters without an answer are absent
 */
export declare function extractAnswers(reply: string): Map<string, string>;
/**
 * Finds the answer to one letter as the published recipe does: the last place of letter, period, space
 * and a run of letters, spaces, periods, colons and hyphens, anywhere in the text.
 *
 * The run has no digits, so that a time of day is never found. Markup is not removed either.
 */
export declare function extractSeedAnswer(reply: string, letter: string): string | null;
//# sourceMappingURL=extract-answers.d.ts.map
