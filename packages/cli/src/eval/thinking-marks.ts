import { InvalidArgumentError } from "@gumshoe/core";
import type { Tokenizer } from "@gumshoe/engine";

/** The marks of most models that think; their tokenizers have a token for each. */
const TAGS = { start: "<think>", end: "</think>", close: "\n</think>\n\n" };
/** Last tokens of a prompt in which its opening of the thinking is found. */
const PROMPT_END = 16;

/** The texts by which thinking is told from the answer, and closed. */
export interface ThinkingMarks {
  /** Text that begins it, at the end of the prompt or the beginning of the reply; null: every reply begins by thinking. */
  readonly start: string | null;
  /** Text that ends it. */
  readonly end: string;
  /** Text that is written in place of further thinking; contains `end`. */
  readonly close: string;
}

/** The options that name marks. */
export interface ThinkingOptions {
  readonly thinkingStart?: string;
  readonly thinkingEnd?: string;
  readonly thinkingClose?: string;
}

/**
 * Returns the marks that options name, by default those of the tokenizer.
 *
 * @throws InvalidArgumentError naming the option
 */
export function thinkingMarks(
  { thinkingStart, thinkingEnd, thinkingClose }: ThinkingOptions,
  tokenizer: Pick<Tokenizer, "encode">,
): ThinkingMarks {
  if (thinkingEnd === undefined && tokenizer.encode(TAGS.end).length !== 1) {
    const problem = `is missing: the tokenizer has no token ${TAGS.end}, so where thinking ends is not known`;
    throw new InvalidArgumentError("--thinking-end", problem, {
      suggestion: "name the text between thinking and answer, such as --thinking-end '\\n\\n'",
    });
  }
  const end = thinkingEnd ?? TAGS.end;
  const isTags = end === TAGS.end;
  const close = thinkingClose ?? (isTags ? TAGS.close : end);
  if (!close.includes(end)) {
    const problem = `does not contain ${JSON.stringify(end)}, so it does not end the thinking`;
    throw new InvalidArgumentError("--thinking-close", problem);
  }
  return { start: thinkingStart ?? (isTags ? TAGS.start : null), end, close };
}

/**
 * Returns the number of tokens with which a reply has ended its thinking: 0 for one that does not think, null for one
 * that does not end it.
 */
export function thinkingLength(
  { promptIds, tokens }: { promptIds: Int32Array; tokens: Int32Array },
  { start, end }: ThinkingMarks,
  tokenizer: Pick<Tokenizer, "decode">,
): number | null {
  const textOf = (length: number) => tokenizer.decode(tokens.subarray(0, length));
  const whole = textOf(tokens.length);
  const prompt = tokenizer.decode(promptIds.subarray(-PROMPT_END)).trimEnd();
  const thinks = start === null || prompt.endsWith(start) || whole.trimStart().startsWith(start);
  if (!thinks) return 0;
  if (!whole.includes(end)) return null;
  // A longer beginning contains it, too.
  let [without, having] = [0, tokens.length];
  while (having - without > 1) {
    const middle = (without + having) >> 1;
    if (textOf(middle).includes(end)) having = middle;
    else without = middle;
  }
  return having;
}
