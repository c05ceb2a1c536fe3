/** The tokens of an answer, and which of them the model has sampled. */
export interface SegmentedTokens {
  /** Ids [T] of everything after the prompt. */
  readonly tokens: Int32Array;
  /**
   * Lengths of the parts of an answer of several turns, alternately sampled and given, beginning and
   * ending with a sampled part; they add up to T. Absent when all tokens are sampled.
   */
  readonly segments?: readonly number[];
}

/** Counts the sampled tokens of an answer: the ones with a log-prob, which are trained on. */
export function countSampled({ tokens, segments }: SegmentedTokens): number {
  if (segments === undefined) return tokens.length;
  return segments.reduce((sum, length, part) => (part % 2 === 0 ? sum + length : sum), 0);
}

/** Returns the indices in the answer of its sampled tokens, ascending. */
export function sampledIndices({ tokens, segments }: SegmentedTokens): number[] {
  if (segments === undefined) return Array.from(tokens, (_, index) => index);
  const indices: number[] = [];
  let start = 0;
  for (const [part, length] of segments.entries()) {
    if (part % 2 === 0) for (let i = 0; i < length; i++) indices.push(start + i);
    start += length;
  }
  return indices;
}

/**
 * Checks the parts of an answer.
 *
 * @param segments   empty when all tokens are sampled
 * @param numTokens  of the whole answer
 * @returns          what is wrong; null when nothing is
 */
export function segmentsProblem(segments: readonly number[], numTokens: number): string | null {
  if (segments.length === 0) return null;
  if (segments.length % 2 === 0) return `${segments.length} parts, so that the last is not sampled`;
  if (!segments.every((length) => Number.isSafeInteger(length) && length > 0)) {
    return "a part without tokens";
  }
  const total = segments.reduce((sum, length) => sum + length, 0);
  return total === numTokens ? null : `parts of ${total} tokens together, of ${numTokens}`;
}
