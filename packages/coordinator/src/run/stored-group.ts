import { type Finish, type Group, meanInterval } from "@gumshoe/grpo";
import { bytesToFloats, type RunEventOf, SubmitGroupRequest } from "@gumshoe/protocol";

/** Bytes under which a group is stored: the worker's message, without what differs between workers. */
export function groupBytes(request: SubmitGroupRequest): Uint8Array {
  return SubmitGroupRequest.encode({ ...request, workerId: "" }).finish();
}

/** Reads a stored group. */
export function readGroup(bytes: Uint8Array, promptTokens: readonly number[]): Group {
  const { groupKey, rollouts } = SubmitGroupRequest.decode(bytes);
  return {
    key: groupKey,
    promptTokens: Int32Array.from(promptTokens),
    rollouts: rollouts.map((rollout) => ({
      tokens: Int32Array.from(rollout.tokens),
      logprobs: bytesToFloats(rollout.logprobs),
      reward: rollout.reward ?? null,
      finish: rollout.finish as Finish,
    })),
  };
}

/** Mean reward of the rollouts that could be scored; an answer that could not be is worth 0 in a validation. */
export function groupRewards(request: SubmitGroupRequest): (number | null)[] {
  return request.rollouts.map(({ reward }) => reward ?? null);
}

/** What the ledger says of a group. */
export function groupEvent(request: SubmitGroupRequest, blob: string): RunEventOf<"group-done"> {
  const rewards = groupRewards(request);
  const scored = rewards.filter((reward) => reward !== null);
  const finishes: Record<string, number> = {};
  for (const { finish } of request.rollouts) finishes[finish] = (finishes[finish] ?? 0) + 1;
  return {
    type: "group-done",
    groupKey: request.groupKey,
    blob,
    meanReward: meanInterval(scored)?.mean ?? null,
    rewards,
    tokens: request.rollouts.reduce((total, { tokens }) => total + tokens.length, 0),
    workerId: request.workerId,
    finishes,
  };
}
