/** A group whose answers claim other turns than they were asked for is refused, before it is stored. */
import {
  floatsToBytes,
  type RolloutResult,
  SubmitGroupRequest,
  tokensToBytes,
  type TurnLimits,
} from "@gumshoe/protocol";
import { expect, test } from "vitest";

import type { GroupPlan } from "../plan/group-planner.js";
import { checkGroup } from "./check-group.js";
import { readGroup } from "./stored-group.js";

const TURNS = { max: 2, maxTokens: 2 };
const WEIGHTS = { version: 3, digest: "d" };
const MESSAGES = [
  { role: "assistant", content: "one" },
  { role: "user", content: "more" },
  { role: "assistant", content: "two" },
];

function rollout(change: Partial<RolloutResult> = {}): RolloutResult {
  return {
    tokens: tokensToBytes([5, 6, 90, 91, 7]),
    logprobs: floatsToBytes(Float32Array.of(-1, -2, -3)),
    segments: [2, 2, 1],
    messages: MESSAGES,
    finish: "stop",
    text: "one more two",
    reward: 1,
    gradingError: "",
    metrics: {},
    ...change,
  };
}

function submitted(change: Partial<RolloutResult>) {
  const rollouts = [rollout(change)];
  const group = { run: "r", groupKey: "0/train/0", workerId: "w", weights: WEIGHTS, gradingMs: 0 };
  return SubmitGroupRequest.create({ ...group, rollouts });
}

function check(change: Partial<RolloutResult>, turns: TurnLimits | null = TURNS) {
  const plan = { count: 1, maxAnswerTokens: 5, turns: turns ?? undefined } as GroupPlan;
  return () =>
    checkGroup(submitted(change), { plan, weights: WEIGHTS, vocabulary: 100, rewardNames: [] });
}

test("an answer of as many turns as were asked for is accepted, and read with its parts", () => {
  expect(check({})).not.toThrow();
  const one = { segments: [], logprobs: floatsToBytes(new Float32Array(5).fill(-1)), messages: [] };
  expect(check(one, null)).not.toThrow();
  const bytes = SubmitGroupRequest.encode(submitted({})).finish();
  const [read] = readGroup(bytes, tokensToBytes([1, 2])).rollouts;
  expect(read).toMatchObject({ segments: [2, 2, 1], finish: "stop" });
  expect([...(read?.logprobs ?? [])]).toEqual([-1, -2, -3]);
});

test.each<[string, Partial<RolloutResult>, string]>([
  ["parts that are not all tokens", { segments: [2, 2, 2] }, "parts of 6 tokens together, of 5"],
  ["a given end", { segments: [3, 2] }, "2 parts, so that the last is not sampled"],
  ["a part without tokens", { segments: [2, 2, 0, 0, 1] }, "a part without tokens"],
  [
    "log-probs of given tokens",
    { logprobs: floatsToBytes(new Float32Array(5).fill(-1)) },
    "3 sampled tokens and 5 log-probs",
  ],
  [
    "a long turn",
    { segments: [3, 1, 1], logprobs: floatsToBytes(new Float32Array(4)) },
    "a turn of 3 tokens, at most 2",
  ],
  ["too many turns", { segments: [1, 1, 1, 1, 1] }, "3 turns, at most 2 were asked for"],
  [
    "messages of another number of turns",
    { messages: MESSAGES.slice(0, 2) },
    "1 replies among its messages, of 2 turns",
  ],
])("%s", (_what, change, problem) => {
  expect(check(change)).toThrow(problem);
});

test("turns that were not asked for are refused", () => {
  expect(check({}, null)).toThrow("2 turns, at most 1 were asked for");
});
