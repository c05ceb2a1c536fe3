import type { RunConfig } from "@gumshoe/config";
import {
  countSampled,
  decoupledAdvantages,
  type Finish,
  type Group,
  hasZeroVariance,
  meanInterval,
  overlongPenalty,
} from "@gumshoe/grpo";
import {
  bytesToFloats,
  bytesToTokens,
  parseGroupKey,
  rewardsIn,
  type RunEventOf,
  SubmitGroupRequest,
  sampledCount,
  tokenCount,
} from "@gumshoe/protocol";

import { CorruptRecordError } from "../errors.js";
import { decoupledWeights } from "../learn/decoupled-weights.js";
import { overlongRule } from "../learn/overlong-rule.js";

/** Characters of a grader's error that the ledger keeps. */
const MAX_REASON_CHARACTERS = 300;

/**
 * Returns the bytes under which a group is stored: the worker's message without the fields that
 * differ between workers.
 */
export function groupBytes(request: SubmitGroupRequest): Uint8Array {
  return SubmitGroupRequest.encode({
    ...request,
    workerId: "",
    gradingMs: 0,
    runDigest: undefined,
    ageMs: undefined,
  }).finish();
}

/**
 * Reads a stored group. Its arrays share two buffers: an iteration has thousands of groups, and
 * every buffer costs garbage collection time.
 *
 * @param promptTokens  little-endian int32
 * @throws CorruptRecordError when an answer's numbers of log-probs and sampled tokens differ
 */
export function readGroup(bytes: Uint8Array, promptTokens: Uint8Array): Group {
  const { groupKey, rollouts } = SubmitGroupRequest.decode(bytes);
  const tokens = bytesToTokens(Buffer.concat([promptTokens, ...rollouts.map((r) => r.tokens)]));
  let nextLogprob = 0;
  const logprobs = bytesToFloats(Buffer.concat(rollouts.map((r) => r.logprobs)));
  const numPromptTokens = tokenCount(promptTokens);
  let next = numPromptTokens;
  return {
    key: groupKey,
    promptTokens: tokens.subarray(0, next),
    rollouts: rollouts.map((rollout) => {
      const begin = next;
      next += tokenCount(rollout.tokens);
      const { segments } = rollout;
      const answer = {
        tokens: tokens.subarray(begin, next),
        ...(segments.length > 0 && { segments }),
      };
      const numSampled = countSampled(answer);
      if (rollout.logprobs.byteLength !== numSampled * Float32Array.BYTES_PER_ELEMENT) {
        const problem = "an answer has not one log-prob per token (another version of Gumshoe?)";
        throw new CorruptRecordError(`group ${groupKey}`, problem);
      }
      const firstLogprob = nextLogprob;
      nextLogprob += numSampled;
      return {
        ...answer,
        logprobs: logprobs.subarray(firstLogprob, nextLogprob),
        reward: rollout.reward ?? null,
        rewards: rewardsIn(rollout.metrics),
        finish: rollout.finish as Finish,
      };
    }),
  };
}

/** Returns whether a group has the answers of a stored one, whatever their grades. */
export function hasSameAnswers(stored: Uint8Array, request: SubmitGroupRequest): boolean {
  const answersOf = (group: SubmitGroupRequest) =>
    groupBytes({
      ...group,
      rollouts: group.rollouts.map((rollout) => {
        const { tokens, logprobs, finish, text, segments, messages } = rollout;
        return {
          tokens,
          logprobs,
          finish,
          text,
          segments,
          messages,
          gradingError: "",
          metrics: {},
        };
      }),
    });
  const first = answersOf(SubmitGroupRequest.decode(stored));
  return Buffer.compare(first, answersOf(request)) === 0;
}

/** Returns the rewards of a group's rollouts; null for an answer that could not be scored. */
export function groupRewards(request: SubmitGroupRequest): (number | null)[] {
  return request.rollouts.map(({ reward }) => reward ?? null);
}

/** Builds the ledger event of a group of a run. */
export function groupEvent(
  config: RunConfig,
  request: SubmitGroupRequest,
  blob: string,
): RunEventOf<"group-done"> {
  const rewards = groupRewards(request);
  const scored = rewards.filter((reward) => reward !== null);
  const finishes: Record<string, number> = {};
  for (const { finish } of request.rollouts) finishes[finish] = (finishes[finish] ?? 0) + 1;
  const unscored = request.rollouts.find(({ reward }) => reward === undefined);
  return {
    type: "group-done",
    groupKey: request.groupKey,
    blob,
    meanReward: meanInterval(scored)?.mean ?? null,
    rewards,
    equalRewards: hasEqualRewards(config, request),
    tokens: request.rollouts.reduce((total, rollout) => total + sampledCount(rollout), 0),
    workerId: request.workerId,
    finishes,
    gradingMs: request.gradingMs,
    ageMs: request.ageMs,
    unscoredReason: unscored?.gradingError.slice(0, MAX_REASON_CHARACTERS),
  };
}

/**
 * Returns whether a training group has no gradient: equal rewards once the length penalty is
 * subtracted, or equal ones of every name where each is normalised by itself. Undefined where nothing
 * of the run depends on it.
 */
function hasEqualRewards(config: RunConfig, request: SubmitGroupRequest): boolean | undefined {
  const rule = overlongRule(config);
  const weights = decoupledWeights(config);
  const isDynamic = config.type === "grpo" && config.tasks.dynamicSampling !== undefined;
  if (!isDynamic && rule === null && weights === null) return undefined;
  if (parseGroupKey(request.groupKey).kind !== "train") return undefined;
  if (config.type === "grpo" && weights !== null) {
    const scored = request.rollouts.filter(({ reward }) => reward !== undefined);
    const parts = scored.map(({ metrics }) => rewardsIn(metrics));
    const values = decoupledAdvantages(parts, weights, config.advantage);
    return values.length > 0 && values.every((value) => value === 0);
  }
  const rewards = request.rollouts.flatMap(({ reward, tokens }) => {
    if (reward === undefined) return [];
    return [rule === null ? reward : reward - overlongPenalty(tokenCount(tokens), rule)];
  });
  return rewards.length > 0 && hasZeroVariance(rewards);
}
