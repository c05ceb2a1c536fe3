/**
 * Holds a group that was handed in against what was asked for: everything that the sampler, the grader and the
 * wire can produce is taken, everything else is refused with the name of the worker, before it is kept.
 */
import {
  bytesToFloats,
  bytesToTokens,
  type RolloutResult,
  type SubmitGroupRequest,
} from "@gumshoe/protocol";

import { MalformedGroupError, WrongGroupWeightsError } from "../errors.js";
import { type GroupPlan } from "../plan/group-planner.js";
import { type Weights } from "../run/run-state.js";

const FINISHES = ["stop", "length", "early-stop"];
/** Longest text of an answer, in characters a token: a token is seldom longer than a long word. */
const MAX_CHARACTERS_PER_TOKEN = 512;
/** Longest reason why an answer could not be scored, in characters. */
const MAX_REASON = 20_000;
/** Most metrics of a grader, and their longest name. */
const MAX_METRICS = 100;
const MAX_METRIC_NAME = 100;
const MAX_WORKER_ID = 100;
/** Largest size of a reward: sums of rewards and of their squares stay finite. */
const MAX_REWARD = 1e30;

/** What a group is checked against. */
export interface GroupExpectation {
  readonly plan: GroupPlan;
  readonly weights: Weights;
  /** Ids from 0 to the one before are tokens of the model. */
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
  if (request.weights?.version !== weights.version) refuse("the weights' version is another");
  if (rollouts.length !== plan.count) refuse(`${rollouts.length} rollouts, not ${plan.count}`);
  for (const [index, rollout] of rollouts.entries()) {
    const problem = tokensProblem(rollout, expected) ?? gradeProblem(rollout);
    if (problem !== null) refuse(`rollout ${index} ${problem}`);
  }
}

function tokensProblem(rollout: RolloutResult, { plan, vocabulary }: GroupExpectation) {
  const { logprobs, finish, text } = rollout;
  const numTokens = rollout.tokens.byteLength / Int32Array.BYTES_PER_ELEMENT;
  const numLogprobs = logprobs.byteLength / Float32Array.BYTES_PER_ELEMENT;
  if (!Number.isInteger(numTokens) || numTokens === 0 || numLogprobs !== numTokens) {
    return `has ${numTokens} tokens and ${numLogprobs} log-probs`;
  }
  if (numTokens > plan.maxAnswerTokens) {
    return `has ${numTokens} tokens, at most ${plan.maxAnswerTokens} were asked for`;
  }
  const foreign = bytesToTokens(rollout.tokens).find((id) => id < 0 || id >= vocabulary);
  if (foreign !== undefined) return `has token ${foreign}, the vocabulary has ${vocabulary}`;
  for (const value of bytesToFloats(logprobs)) {
    if (!Number.isFinite(value) || value > 0) return `has a log-prob of ${value}`;
  }
  if (!FINISHES.includes(finish)) return `has an end that is none of ${FINISHES.join(", ")}`;
  if (text.length > numTokens * MAX_CHARACTERS_PER_TOKEN) {
    return `has a text of ${text.length} characters for ${numTokens} tokens`;
  }
  return null;
}

function gradeProblem({ reward, gradingError, metrics }: RolloutResult): string | null {
  // Not so for NaN either.
  if (reward !== undefined && !(Math.abs(reward) <= MAX_REWARD)) {
    return `has reward ${reward}, not a number within ±${MAX_REWARD}`;
  }
  if (gradingError.length > MAX_REASON) return `has a reason of ${gradingError.length} characters`;
  const entries = Object.entries(metrics);
  if (entries.length > MAX_METRICS) return `has ${entries.length} metrics`;
  // One that is not finite is in no mean, and is counted.
  if (entries.some(([name]) => name.length > MAX_METRIC_NAME))
    return "has a metric with a long name";
  return null;
}
