import type { CommandList, Tensor } from "../device.js";
import { record } from "../record.js";
import { packedLength } from "./linear.js";

/** Shapes that all head operations share. */
interface HeadShape {
  /** Rows of x. */
  rows: number;
  /** Model width D. */
  width: number;
  /** Vocabulary V. */
  vocabulary: number;
}

/**
 * Which entries of each row can be sampled. Of all that are not banned, top-k keeps the k most likely, then top-p the
 * fewest whose renormalised probabilities reach p, then min-p those with at least this share of the greatest
 * probability. Of equal logits the lower id comes first. Probabilities are those of the kept entries.
 */
export interface Truncation {
  /** [rows, 3] f32: top-k (0 for all), top-p (1 for all), min-p (0 for all) */
  limits: Tensor;
  /** [rows, bannedPerRow] i32: ids that cannot be sampled, -1 for none; null for none in any row */
  banned: Tensor | null;
  bannedPerRow: number;
}

/** A truncation, and what the forward pass keeps of it for the backward pass. */
export interface CutTruncation extends Truncation {
  /** [rows, 2] f32: z of the last kept entry, and the greatest id that is kept of the entries with this z */
  cuts: Tensor;
}

const truncationTensors = (truncation: Truncation | null, rows: number) =>
  ({
    limits: [truncation?.limits ?? null, "f32", rows * 3],
    banned: [truncation?.banned ?? null, "i32", rows * (truncation?.bannedPerRow ?? 0)],
  }) as const;

/** Vocabulary entries whose logits are contiguous. */
const VOCABULARY_BLOCK = 512;
/** What `headLogprobs` keeps for an entry that a truncation excludes; no logit is as low. */
const EXCLUDED = -1e30;

/** Number of elements of the logits that {@link headLogprobs} can keep for {@link headBackward}. */
export function keptLogitsLength(rows: number, vocabulary: number): number {
  return rows * Math.ceil(vocabulary / VOCABULARY_BLOCK) * VOCABULARY_BLOCK;
}

/**
 * Computes logits: x W^T.
 *
 * @param x       [rows, D] f32
 * @param weight  W [V, D], packed
 * @param logits  [rows, V] f32
 */
export function headLogits(
  list: CommandList,
  args: HeadShape & { x: Tensor; weight: Tensor; logits: Tensor },
): void {
  const { x, weight, logits, rows, width, vocabulary } = args;
  record(
    list,
    "headLogits",
    {
      x: [x, "f32", rows * width],
      weight: [weight, "f32", packedLength(vocabulary, width)],
      logits: [logits, "f32", rows * vocabulary],
    },
    ["x", "weight", "logits", rows, width, vocabulary],
  );
}

/**
 * Computes the log-probability of each row's target; logits exist only in blocks of 512 entries.
 *
 * @param x               [rows, D] f32
 * @param weight          W [V, D], packed
 * @param targets         [rows] i32
 * @param invTemperature  [rows] f32; 0 is read as 1
 * @param logprobs        [rows] f32, nats; -Infinity for a target that the truncation excludes
 * @param entropies       [rows] f32 over the kept entries, nats, or null
 * @param stats           [rows, 2] f32: maximum and ln of the sum, which the backward pass needs
 * @param kept            {@link keptLogitsLength} f32, or null: takes the logits, which the backward pass
 *                        then need not compute again
 * @param truncation      null keeps all entries
 */
export function headLogprobs(
  list: CommandList,
  args: HeadShape & {
    x: Tensor;
    weight: Tensor;
    targets: Tensor;
    invTemperature: Tensor;
    logprobs: Tensor;
    entropies: Tensor | null;
    stats: Tensor;
    kept: Tensor | null;
    truncation: CutTruncation | null;
  },
): void {
  const { rows, width, vocabulary, truncation } = args;
  record(
    list,
    "headLogprobs",
    {
      x: [args.x, "f32", rows * width],
      weight: [args.weight, "f32", packedLength(vocabulary, width)],
      targets: [args.targets, "i32", rows],
      invTemperature: [args.invTemperature, "f32", rows],
      logprobs: [args.logprobs, "f32", rows],
      entropies: [args.entropies, "f32", rows],
      stats: [args.stats, "f32", rows * 2],
      kept: [args.kept, "f32", keptLogitsLength(rows, vocabulary)],
      ...truncationTensors(truncation, rows),
      cuts: [truncation?.cuts ?? null, "f32", rows * 2],
    },
    [
      ...["x", "weight", "targets", "invTemperature", "logprobs", "entropies", "stats"],
      ...[rows, width, vocabulary, "kept"],
      ...["limits", "banned", truncation?.bannedPerRow ?? 0, "cuts"],
    ],
  );
}

/**
 * Computes the gradients of {@link headLogprobs}.
 *
 * @param dLogprob   [rows] f32
 * @param dEntropy   [rows] f32 or null; needs `entropies`
 * @param dx         [rows, D] f32, overwritten
 * @param dw         [V, D] f32, accumulated, or null
 * @param kept       what {@link headLogprobs} kept, overwritten, or null; changes speed, never a bit
 * @param truncation that of {@link headLogprobs}, with the cuts that it found; excluded entries have no gradient
 */
export function headBackward(
  list: CommandList,
  args: HeadShape & {
    x: Tensor;
    weight: Tensor;
    targets: Tensor;
    invTemperature: Tensor;
    stats: Tensor;
    entropies: Tensor | null;
    dLogprob: Tensor;
    dEntropy: Tensor | null;
    dx: Tensor;
    dw: Tensor | null;
    kept: Tensor | null;
    truncation: CutTruncation | null;
  },
): void {
  const { rows, width, vocabulary, truncation } = args;
  record(
    list,
    "headBackward",
    {
      x: [args.x, "f32", rows * width],
      weight: [args.weight, "f32", packedLength(vocabulary, width)],
      targets: [args.targets, "i32", rows],
      invTemperature: [args.invTemperature, "f32", rows],
      stats: [args.stats, "f32", rows * 2],
      entropies: [args.entropies, "f32", rows],
      dLogprob: [args.dLogprob, "f32", rows],
      dEntropy: [args.dEntropy, "f32", rows],
      dx: [args.dx, "f32", rows * width],
      dw: [args.dw, "f32", vocabulary * width],
      kept: [args.kept, "f32", keptLogitsLength(rows, vocabulary)],
      banned: truncationTensors(truncation, rows).banned,
      cuts: [truncation?.cuts ?? null, "f32", rows * 2],
    },
    [
      ...["x", "weight", "targets", "invTemperature", "stats", "entropies"],
      ...["dLogprob", "dEntropy", "dx", "dw"],
      ...[rows, width, vocabulary, "kept"],
      ...["banned", truncation?.bannedPerRow ?? 0, "cuts"],
    ],
  );
}

/**
 * Draws one token id per row by inverse transform, in ascending id order.
 *
 * @param invTemperature  [rows] f32; 0 takes the most likely id, the lowest of equals
 * @param draws           [rows, 2] u32: 53 of their bits are the uniform number
 * @param ids             [rows] i32, written
 * @param logprobs        [rows] f32, written: bit-equal to {@link headLogprobs} of that id
 * @param truncation      null keeps all entries
 */
export function headSample(
  list: CommandList,
  args: HeadShape & {
    x: Tensor;
    weight: Tensor;
    invTemperature: Tensor;
    draws: Tensor;
    ids: Tensor;
    logprobs: Tensor;
    truncation: Truncation | null;
  },
): void {
  const { rows, width, vocabulary, truncation } = args;
  record(
    list,
    "headSample",
    {
      x: [args.x, "f32", rows * width],
      weight: [args.weight, "f32", packedLength(vocabulary, width)],
      invTemperature: [args.invTemperature, "f32", rows],
      draws: [args.draws, "u32", rows * 2],
      ids: [args.ids, "i32", rows],
      logprobs: [args.logprobs, "f32", rows],
      ...truncationTensors(truncation, rows),
    },
    [
      ...["x", "weight", "invTemperature", "draws", "ids", "logprobs"],
      ...[rows, width, vocabulary],
      ...["limits", "banned", truncation?.bannedPerRow ?? 0],
    ],
  );
}

/**
 * Returns the ids with the greatest logits of a row, in descending order, of equal logits the lower id first. Excluded entries, and
 * those that are not numbers, are left out.
 *
 * @param logits  [blocks, rows, 512] f32, as `headLogprobs` keeps them
 */
export function likeliestIds(
  logits: Float32Array,
  shape: { readonly row: number; readonly rows: number; readonly vocabulary: number },
  count: number,
): number[] {
  const { row, rows, vocabulary } = shape;
  const ids: number[] = [];
  if (count === 0) return ids;
  const values: number[] = [];
  // An entry must be above this to be one of the ids.
  let least = EXCLUDED;
  for (let start = 0; start < vocabulary; start += VOCABULARY_BLOCK) {
    const from = start * rows + row * VOCABULARY_BLOCK;
    const entries = Math.min(VOCABULARY_BLOCK, vocabulary - start);
    for (let entry = 0; entry < entries; entry++) {
      const value = logits[from + entry] as number;
      if (!(value > least)) continue;
      let place = ids.length;
      while (place > 0 && (values[place - 1] as number) < value) place--;
      ids.splice(place, 0, start + entry);
      values.splice(place, 0, value);
      if (ids.length > count) {
        ids.pop();
        values.pop();
      }
      if (ids.length === count) least = values[count - 1] as number;
    }
  }
  return ids;
}
