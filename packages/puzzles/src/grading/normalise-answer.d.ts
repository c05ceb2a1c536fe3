/**
 * Brings an answer to the form in which answers are compared: markup, quotes, a leading "the", letter
 * case, repeated spaces and trailing punctuation go; a time of day becomes "HH:MM AM".
 *
 * What is left must be the expected name and nothing else: "Mrs. White or Mr. Green" stays wrong.
 */
export declare function normaliseAnswer(text: string): string;
//# sourceMappingURL=normalise-answer.d.ts.map
