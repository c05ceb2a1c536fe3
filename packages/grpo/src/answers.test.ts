import { describe, expect, test } from "vitest";
import { type AnswerRules, selectAnswers } from "./answers.js";
import type { Finish, Group } from "./group.js";

const RULES: AnswerRules = { advantage: "dr-grpo", truncated: "keep" };

function group(...rollouts: [reward: number | null, finish?: Finish][]): Group {
  return {
    key: "3/train/1",
    promptTokens: Int32Array.of(1, 2),
    rollouts: rollouts.map(([reward, finish = "stop"]) => ({
      tokens: Int32Array.of(5, 6),
      logprobs: Float32Array.of(-1, -2),
      reward,
      finish,
    })),
  };
}

const chosen = (g: Group, rules = RULES) =>
  selectAnswers(g, rules).pack?.answers.map(({ rollout, advantage }) => [rollout, advantage]);

describe("selectAnswers", () => {
  test("an answer that could not be scored is neither in the mean nor in the pack", () => {
    expect(chosen(group([0], [null], [1]))).toEqual([
      [0, -0.5],
      [2, 0.5],
    ]);
  });

  test("a dropped group has a reason", () => {
    expect(selectAnswers(group([1], [1]), RULES).dropped).toBe("zero-variance");
    expect(selectAnswers(group([null], [null]), RULES).dropped).toBe("unscored");
    const masked = { ...RULES, truncated: "mask" } as const;
    const allCut = group([0, "length"], [1, "length"]);
    expect(selectAnswers(allCut, masked).dropped).toBe("all-masked");
  });

  test("a masked answer counts in the mean but is not trained on", () => {
    const masked = { ...RULES, truncated: "mask" } as const;
    expect(chosen(group([0, "length"], [0.5], [1]), masked)).toEqual([
      [1, 0],
      [2, 0.5],
    ]);
  });

  test("a penalised answer counts with its lowered reward", () => {
    const penalised = { ...RULES, truncated: { penalty: 0.5 } };
    expect(chosen(group([1, "length"], [1]), penalised)).toEqual([
      [0, -0.25],
      [1, 0.25],
    ]);
  });

  test("a degenerate answer keeps its reward", () => {
    expect(chosen(group([0, "early-stop"], [1]))).toEqual([
      [0, -0.5],
      [1, 0.5],
    ]);
  });

  test("a reward that is not finite names its rollout", () => {
    expect(() => selectAnswers(group([0], [NaN]), RULES)).toThrow(
      "group 3/train/1 rollout 1: the reward is NaN",
    );
  });
});
