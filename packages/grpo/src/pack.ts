import { InvalidGroupError } from "./errors.js";
import { countSampled, sampledIndices, type SegmentedTokens } from "./segments.js";

/** One answer of a pack, with the inputs of its loss. */
export interface PackAnswer extends SegmentedTokens {
  /** Index of the rollout in its group. */
  readonly rollout: number;
  /**
   * Behaviour log-probs of the sampled tokens, in nats; empty if unknown, e.g. for an answer that was not
   * sampled.
   */
  readonly logprobs: Float32Array;
  readonly advantage: number;
  /** Weight of each sampled token in the update's loss: the normaliser's share. */
  readonly weight: number;
}

/** One training row: a prompt once, followed by answers of its group. */
export interface Pack {
  readonly groupKey: string;
  readonly promptTokens: Int32Array;
  readonly answers: readonly PackAnswer[];
}

/** A contiguous span of a row's tokens: the prompt, or one answer. */
export interface RowSegment {
  readonly start: number;
  readonly length: number;
  readonly kind: "prompt" | "answer";
}

/**
 * A pack in the form that the model computes.
 *
 * - A prompt token attends to the prompt up to itself; an answer token attends to the whole prompt
 *   and its own answer up to itself, never to another answer.
 * - The first token of every answer is predicted by the last token of the prompt.
 */
export interface PackRow {
  /** [R] ids: prompt, first answer, second answer, ... */
  readonly tokens: Int32Array;
  /** [R] positions: from 0 in the prompt, and from the prompt's length in every answer. */
  readonly positions: Int32Array;
  /** The prompt first, then the answers in order. */
  readonly segments: readonly RowSegment[];
  /** [N] ids to score: the sampled tokens of all answers, in order. */
  readonly targets: Int32Array;
  /** [N] row index of the token whose output predicts each target. */
  readonly predictors: Int32Array;
}

/** Counts the sampled tokens of a pack's answers, the targets of its row. */
export function countTargets(pack: Pack): number {
  return pack.answers.reduce((total, answer) => total + countSampled(answer), 0);
}

/** Counts the tokens of a pack's row: its prompt once and all answers. */
export function countRowTokens(pack: Pack): number {
  return pack.answers.reduce(
    (total, { tokens }) => total + tokens.length,
    pack.promptTokens.length,
  );
}

/** Lays a pack out as one row. */
export function packRow(pack: Pack): PackRow {
  const promptLength = pack.promptTokens.length;
  if (promptLength === 0) {
    throw new InvalidGroupError(pack.groupKey, "the prompt is empty, nothing predicts an answer");
  }
  const numRows = countRowTokens(pack);
  const numTargets = countTargets(pack);
  const tokens = new Int32Array(numRows);
  const positions = new Int32Array(numRows);
  const targets = new Int32Array(numTargets);
  const predictors = new Int32Array(numTargets);
  const segments: RowSegment[] = [{ start: 0, length: promptLength, kind: "prompt" }];
  tokens.set(pack.promptTokens);
  for (let i = 0; i < promptLength; i++) positions[i] = i;
  let start = promptLength;
  let target = 0;
  for (const answer of pack.answers) {
    const length = answer.tokens.length;
    tokens.set(answer.tokens, start);
    for (let t = 0; t < length; t++) positions[start + t] = promptLength + t;
    for (const t of sampledIndices(answer)) {
      targets[target] = answer.tokens[t] as number;
      predictors[target] = t === 0 ? promptLength - 1 : start + t - 1;
      target += 1;
    }
    segments.push({ start, length, kind: "answer" });
    start += length;
  }
  return { tokens, positions, segments, targets, predictors };
}
