import { GoldenFormatError, type GoldenJson, type Pack } from "@gumshoe/grpo";

/** Fields of an answer besides its tokens, with neutral values. */
const UNWEIGHTED = { logprobs: new Float32Array(0), advantage: 0, weight: 0 };

/**
 * Lays a sequence out as a pack: its first token is the prompt and the rest one answer, so that every other token
 * is scored.
 */
export function sequencePack(ids: readonly number[], key: string): Pack {
  const tokens = Int32Array.from(ids.slice(1));
  return {
    groupKey: key,
    promptTokens: Int32Array.from(ids.slice(0, 1)),
    answers: [{ rollout: 0, tokens, ...UNWEIGHTED }],
  };
}

/** Reads `groups`, each a prompt and its answers, as packs: one per group. */
export function groupPacks(groups: GoldenJson): Pack[] {
  return groups.items().map((group, g) => ({
    groupKey: String(g),
    promptTokens: tokenIds(group.field("prompt")),
    answers: group
      .field("answers")
      .items()
      .map((answer, rollout) => ({ rollout, tokens: tokenIds(answer), ...UNWEIGHTED })),
  }));
}

/** Splits the values of a pack's targets into those of its answers, in order. */
export function perAnswer(pack: Pack, values: Float32Array): Float32Array[] {
  let start = 0;
  return pack.answers.map(({ tokens }) => values.slice(start, (start += tokens.length)));
}

/** Reads a non-empty list of token ids. */
export function tokenIds(field: GoldenJson): Int32Array {
  const ids = field.numbers();
  if (ids.length > 0 && ids.every((id) => Number.isSafeInteger(id) && id >= 0)) {
    return Int32Array.from(ids);
  }
  throw new GoldenFormatError(field.path, "must be a list of token ids");
}
