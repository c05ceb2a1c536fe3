/**
 * Validates a submitted group against its request: accepts all values that the sampler, the grader
 * and the wire format can produce, and rejects others, naming the worker, before the group is
 * stored.
 */
import { countSampled, segmentsProblem } from "@gumshoe/grpo";
import {
  bytesToFloats,
  bytesToTokens,
  rewardsIn,
  type RolloutResult,
  type SubmitGroupRequest,
} from "@gumshoe/protocol";

import { MalformedGroupError, WrongGroupWeightsError } from "../errors.js";
import type { GroupPlan } from "../plan/group-planner.js";
import type { Weights } from "../run/run-state.js";

const FINISHES = ["stop", "stop-string", "length", "early-stop"];
/** Most characters per token in an answer's text: tokens are seldom longer than a long word. */
const MAX_CHARACTERS_PER_TOKEN = 512;
/** Most characters in the reason why an answer could not be scored. */
const MAX_REASON = 20_000;
/** Most metrics of a grader with its rewards, and characters in their names. */
const MAX_METRICS = 220;
const MAX_METRIC_NAME = 110;
const MAX_WORKER_ID = 100;
/** Largest magnitude of a reward: sums of rewards and of their squares stay finite. */
const MAX_REWARD = 1e30;

/** The expected properties of a group. */
export interface GroupExpectation {
  readonly plan: GroupPlan;
  readonly weights: Weights;
  /** Names of the rewards that every scored answer must have. */
  readonly rewardNames: readonly string[];
  /** Number of the model's tokens; ids run from 0. */
  readonly vocabulary: number;
}

/** @throws WrongGroupWeightsError, MalformedGroupError */
export function checkGroup(request: SubmitGroupRequest, expected: GroupExpectation): void {
  const { plan, weights } = expected;
  const { groupKey, rollouts, workerId } = request;
  const got = request.weights?.digest ?? "";
  if (got !== weights.digest) throw new WrongGroupWeightsError(groupKey, weights.digest, got);
  const refuse = (problem: string): never => {
    throw new MalformedGroupError(groupKey, problem, workerId);
  };
  if (workerId.length > MAX_WORKER_ID) refuse("the worker's id is too long");
  if (request.weights?.version !== weights.version) refuse("the weight version is another");
  if (rollouts.length !== plan.count) refuse(`${rollouts.length} rollouts, not ${plan.count}`);
  for (const [index, rollout] of rollouts.entries()) {
    const problem = tokensProblem(rollout, expected) ?? gradeProblem(rollout, expected);
    if (problem !== null) refuse(`rollout ${index} ${problem}`);
  }
}

function tokensProblem(rollout: RolloutResult, { plan, vocabulary }: GroupExpectation) {
  const { logprobs, finish, text } = rollout;
  const numTokens = rollout.tokens.byteLength / Int32Array.BYTES_PER_ELEMENT;
  if (!Number.isInteger(numTokens) || numTokens === 0) return `has ${numTokens} tokens`;
  const wrong = turnsProblem(rollout, numTokens, plan);
  if (wrong !== null) return wrong;
  if (numTokens > plan.maxAnswerTokens) {
    return `has ${numTokens} tokens, at most ${plan.maxAnswerTokens} were asked for`;
  }
  const foreign = bytesToTokens(rollout.tokens).find((id) => id < 0 || id >= vocabulary);
  if (foreign !== undefined) return `has token ${foreign}, the vocabulary has ${vocabulary}`;
  for (const value of bytesToFloats(logprobs)) {
    if (!Number.isFinite(value) || value > 0) return `has a log-prob of ${value}`;
  }
  if (!FINISHES.includes(finish)) return `has a finish that is none of ${FINISHES.join(", ")}`;
  if (text.length > numTokens * MAX_CHARACTERS_PER_TOKEN) {
    return `has a text of ${text.length} characters for ${numTokens} tokens`;
  }
  return null;
}

/** Checks the parts of an answer: what was sampled, in how many turns, and that only it has log-probs. */
function turnsProblem(
  { tokens, segments, messages, logprobs }: RolloutResult,
  numTokens: number,
  { turns }: GroupPlan,
): string | null {
  const wrong = segmentsProblem(segments, numTokens);
  if (wrong !== null) return `has ${wrong}`;
  const sampled = segments.filter((_, part) => part % 2 === 0);
  const numSampled = countSampled({
    tokens: bytesToTokens(tokens),
    ...(segments.length > 0 && { segments }),
  });
  const numLogprobs = logprobs.byteLength / Float32Array.BYTES_PER_ELEMENT;
  if (numLogprobs !== numSampled) {
    return `has ${numSampled} sampled tokens and ${numLogprobs} log-probs`;
  }
  const numTurns = Math.max(1, sampled.length);
  const { max, maxTokens } = turns ?? { max: 1, maxTokens: 0 };
  if (numTurns > max) return `has ${numTurns} turns, at most ${max} were asked for`;
  const longest = Math.max(...(segments.length === 0 ? [numTokens] : sampled));
  if (maxTokens > 0 && longest > maxTokens) {
    return `has a turn of ${longest} tokens, at most ${maxTokens} were asked for`;
  }
  const numReplies = messages.filter(({ role }) => role === "assistant").length;
  const hasMessages = messages.length > 0 || numTurns > 1;
  if (hasMessages && numReplies !== numTurns) {
    return `has ${numReplies} replies among its messages, of ${numTurns} turns`;
  }
  const numCharacters = messages.reduce((sum, { content }) => sum + content.length, 0);
  return numCharacters > numTokens * MAX_CHARACTERS_PER_TOKEN
    ? `has messages of ${numCharacters} characters for ${numTokens} tokens`
    : null;
}

function gradeProblem(
  { reward, gradingError, metrics }: RolloutResult,
  { rewardNames }: GroupExpectation,
): string | null {
  // Written as a negation, so that NaN is rejected too.
  if (reward !== undefined && !(Math.abs(reward) <= MAX_REWARD)) {
    return `has reward ${reward}, not a number within ±${MAX_REWARD}`;
  }
  if (gradingError.length > MAX_REASON) return `has a reason of ${gradingError.length} characters`;
  const entries = Object.entries(metrics);
  if (entries.length > MAX_METRICS) return `has ${entries.length} metrics`;
  // Values that are not finite are accepted: they are counted, and left out of means.
  if (entries.some(([name]) => name.length > MAX_METRIC_NAME))
    return "has a metric with a long name";
  const rewards = rewardsIn(metrics);
  const missing = rewardNames.find((name) => !Number.isFinite(rewards[name]));
  if (reward !== undefined && missing !== undefined) return `has no finite reward ${missing}`;
  return null;
}
