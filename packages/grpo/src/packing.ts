import { InvalidGroupError, PackTooSmallError } from "./errors.js";
import { countRowTokens, type Pack, type PackAnswer } from "./pack.js";
import { countSampled, segmentsProblem } from "./segments.js";

/**
 * Splits groups that are too long for one row; the others are unchanged.
 *
 * Pure and in order: packs follow the order of the groups, answers that of the rollouts, and a new
 * pack begins when the next answer does not fit.
 *
 * @param groups  each a pack of any length
 * @throws        PackTooSmallError when a prompt with one answer is longer than a pack
 */
export function packGroups(groups: readonly Pack[], options: { maxPackTokens: number }): Pack[] {
  return groups.flatMap((group) =>
    countRowTokens(group) <= options.maxPackTokens
      ? [checked(group)]
      : splitGroup(checked(group), options.maxPackTokens),
  );
}

function splitGroup(group: Pack, maxPackTokens: number): Pack[] {
  const promptLength = group.promptTokens.length;
  const packs: PackAnswer[][] = [];
  let numTokens = Infinity;
  for (const answer of group.answers) {
    const length = answer.tokens.length;
    if (promptLength + length > maxPackTokens) {
      const needed = promptLength + length;
      throw new PackTooSmallError(group.groupKey, answer.rollout, { needed, maxPackTokens });
    }
    if (numTokens + length > maxPackTokens) {
      packs.push([]);
      numTokens = promptLength;
    }
    packs.at(-1)?.push(answer);
    numTokens += length;
  }
  return packs.map((answers) => ({ ...group, answers }));
}

function checked(group: Pack): Pack {
  if (group.promptTokens.length === 0) throw new InvalidGroupError(group.groupKey, "empty prompt");
  for (const answer of group.answers) {
    const { rollout, tokens, segments = [], logprobs } = answer;
    if (tokens.length === 0) {
      throw new InvalidGroupError(group.groupKey, "the answer has no tokens", rollout);
    }
    const wrong = segmentsProblem(segments, tokens.length);
    if (wrong !== null) throw new InvalidGroupError(group.groupKey, wrong, rollout);
    const numSampled = countSampled(answer);
    if (logprobs.length !== 0 && logprobs.length !== numSampled) {
      const problem = `${numSampled} tokens but ${logprobs.length} log-probs`;
      throw new InvalidGroupError(group.groupKey, problem, rollout);
    }
    if (!logprobs.every(Number.isFinite)) {
      throw new InvalidGroupError(group.groupKey, "a log-prob is not a finite number", rollout);
    }
  }
  return group;
}
