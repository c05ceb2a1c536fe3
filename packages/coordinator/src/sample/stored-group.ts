import { type Finish, type Group, meanInterval } from "@gumshoe/grpo";
import { bytesToFloats, type RunEventOf, SubmitGroupRequest } from "@gumshoe/protocol";

/** Characters of a grader's reason that the ledger keeps. */
const MAX_REASON_CHARACTERS = 300;

/** Bytes under which a group is stored: the worker's message, without what differs between workers. */
export function groupBytes(request: SubmitGroupRequest): Uint8Array {
  return SubmitGroupRequest.encode({
    ...request,
    workerId: "",
    gradingMs: 0,
    runDigest: undefined,
  }).finish();
}

/**
 * Reads a stored group. Its arrays share two buffers: an iteration has thousands of groups, and every
 * buffer costs the garbage collector time.
 */
export function readGroup(bytes: Uint8Array, promptTokens: Int32Array): Group {
  const { groupKey, rollouts } = SubmitGroupRequest.decode(bytes);
  const tokens = Int32Array.from([...promptTokens, ...rollouts.flatMap(({ tokens }) => tokens)]);
  const logprobs = bytesToFloats(Buffer.concat(rollouts.map(({ logprobs }) => logprobs)));
  let next = promptTokens.length;
  return {
    key: groupKey,
    promptTokens: tokens.subarray(0, next),
    rollouts: rollouts.map((rollout) => {
      const first = next - promptTokens.length;
      const begin = next;
      next += rollout.tokens.length;
      return {
        tokens: tokens.subarray(begin, next),
        // As many as tokens: it was looked at when the group came in.
        logprobs: logprobs.subarray(first, first + rollout.tokens.length),
        reward: rollout.reward ?? null,
        finish: rollout.finish as Finish,
      };
    }),
  };
}

/** The rewards of a group's rollouts; null for an answer that could not be scored. */
export function groupRewards(request: SubmitGroupRequest): (number | null)[] {
  return request.rollouts.map(({ reward }) => reward ?? null);
}

/** What the ledger says of a group. */
export function groupEvent(request: SubmitGroupRequest, blob: string): RunEventOf<"group-done"> {
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
    tokens: request.rollouts.reduce((total, { tokens }) => total + tokens.length, 0),
    workerId: request.workerId,
    finishes,
    gradingMs: request.gradingMs,
    unscoredReason: unscored?.gradingError.slice(0, MAX_REASON_CHARACTERS),
  };
}
