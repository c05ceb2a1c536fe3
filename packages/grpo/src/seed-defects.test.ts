/**
 * Each test covers one defect of the recipe that this project started from, and asserts the correct
 * behaviour.
 */
import { describe, expect, test } from "vitest";
import { type AnswerRules, selectAnswers } from "./answers.js";
import type { Group } from "./group.js";
import { DEFAULT_LOSS } from "./loss/config.js";
import { packLoss } from "./loss/pack-loss.js";
import { mergeMetrics } from "./loss/metrics.js";
import { type Pack, packRow } from "./pack.js";
import { packGroups } from "./packing.js";
import { recipeLoss } from "./recipe/recipe-loss.js";
import { planUpdates, type UpdateRules } from "./updates.js";

const RULES: AnswerRules = { advantage: "grpo", truncated: "keep" };
const UPDATE_RULES: UpdateRules = {
  ...RULES,
  aggregation: { type: "sequence-mean" },
  updatesPerIteration: 1,
  lanes: 1,
  maxPackTokens: 64,
};
const STOP = 9;

function group(key: string, answers: number[][], rewards: (number | null)[]): Group {
  return {
    key,
    promptTokens: Int32Array.of(1, 2, 3),
    rollouts: answers.map((tokens, i) => ({
      tokens: Int32Array.from(tokens),
      logprobs: Float32Array.from(tokens, (id) => -id / 8),
      reward: rewards[i] ?? null,
      finish: "stop",
    })),
  };
}

function onlyPack(g: Group): Pack {
  const { pack } = selectAnswers(g, RULES);
  if (!pack) throw new Error("the group was dropped");
  return pack;
}

/** Returns the tokens that each target's predictor attends to, by the rules of the row. */
function contexts(pack: Pack): string[] {
  const row = packRow(pack);
  return row.segments.slice(1).flatMap(({ start, length }) =>
    Array.from({ length }, (_, t) => {
      const predictor = row.predictors[start - pack.promptTokens.length + t] as number;
      const prompt = row.tokens.slice(0, Math.min(predictor + 1, pack.promptTokens.length));
      const own = predictor < start ? [] : row.tokens.slice(start, predictor + 1);
      return [...prompt, ...own].join(" ");
    }),
  );
}

describe("rows", () => {
  test("every token is scored from its prompt and its own answer only", () => {
    const answers = [
      [4, 5, STOP],
      [4, 6, 7, STOP],
      [8, STOP],
    ];
    const together = onlyPack(group("g", answers, [0, 1, 0.5]));
    const alone = together.answers.map((answer) => ({ ...together, answers: [answer] }));
    expect(contexts(together)).toEqual(alone.flatMap(contexts));
    expect(contexts(together)[3]).toBe("1 2 3");
  });

  test("opening tokens that answers have in common are trained in every answer", () => {
    const answers = [
      [4, 5, STOP],
      [4, 5, 6, STOP],
    ];
    const { targets } = packRow(onlyPack(group("g", answers, [0, 1])));
    expect([...targets]).toEqual([4, 5, STOP, 4, 5, 6, STOP]);
  });

  test("a row has the prompt's ids and the sampled ids, and the sampled stop token is trained once", () => {
    const { tokens, targets } = packRow(onlyPack(group("g", [[4, STOP], [5]], [0, 1])));
    expect([...tokens]).toEqual([1, 2, 3, 4, STOP, 5]);
    expect([...targets].filter((id) => id === STOP)).toHaveLength(1);
  });

  test("no answer is cut to fit a pack", () => {
    const pack = onlyPack(group("g", [[4, 5, 6, STOP], [4]], [0, 1]));
    expect(() => packGroups([pack], { maxPackTokens: 6 })).toThrow("needs 7 tokens");
  });
});

describe("advantages", () => {
  test("a group of equal rewards is never trained on, whatever its floating-point mean", () => {
    for (const questions of [5, 6, 7]) {
      for (let right = 0; right <= questions; right++) {
        const rewards = new Array<number>(50).fill(right / questions);
        const answers = rewards.map(() => [4]);
        expect(selectAnswers(group("g", answers, rewards), RULES).dropped).toBe("zero-variance");
      }
    }
  });

  test("an answer that could not be scored is counted as such, and not as a wrong one", () => {
    const answers = [[4], [5], [6]];
    const groups = [group("g", answers, [0, 1, null])];
    const { updates, counts } = planUpdates(groups, UPDATE_RULES);
    expect(counts).toMatchObject({ numRollouts: 3, numUnscored: 1, meanReward: 0.5 });
    expect(updates[0]?.numAnswers).toBe(2);
  });
});

describe("loss", () => {
  const outputs = (pack: Pack) => {
    const newLogprobs = pack.answers.flatMap((answer) => [...answer.logprobs]);
    return { newLogprobs, entropies: newLogprobs.map(() => 1) };
  };
  const two = () => onlyPack(group("g", [[4, STOP], [5]], [0, 1]));
  const weighed = (pack: Pack): Pack => ({
    ...pack,
    answers: pack.answers.map((answer) => ({ ...answer, weight: 1 })),
  });

  test("the divergence is 0 when the policy equals the reference, token by token", () => {
    const pack = weighed(two());
    const same = outputs(pack);
    const config = { ...DEFAULT_LOSS, klCoefficient: 1 };
    const withKl = packLoss(pack, config, { ...same, referenceLogprobs: same.newLogprobs });
    expect(withKl.metrics.referenceKlSum).toBe(0);
    expect([...withKl.dLogprob]).toEqual([...packLoss(pack, DEFAULT_LOSS, same).dLogprob]);
  });

  test("a log-prob of exactly 0 is valid, and its token is trained", () => {
    const pack = weighed(two());
    const certain = {
      ...pack,
      answers: pack.answers.map((a) => ({ ...a, logprobs: new Float32Array(a.tokens.length) })),
    };
    const { dLogprob } = packLoss(certain, DEFAULT_LOSS, outputs(certain));
    expect(dLogprob.every((slope) => slope !== 0)).toBe(true);
  });

  test("tokens of unknown log-prob train with the plain policy gradient; the recipe leaves them out", () => {
    const pack = weighed(two());
    const given = outputs(pack);
    const unknown = {
      ...pack,
      answers: pack.answers.map((answer) => ({ ...answer, logprobs: new Float32Array(0) })),
    };
    const ours = packLoss(unknown, DEFAULT_LOSS, given);
    expect([...ours.dLogprob]).toEqual([...packLoss(pack, DEFAULT_LOSS, given).dLogprob]);
    const recipe = recipeLoss(
      {
        shape: [1, 2, 2],
        logits: [0, 0, 0, 0],
        tokens: [0, 1],
        mask: [0, 1],
        logprobs: [NaN, NaN],
        advantages: [0, 1],
        weights: [0, 1],
        referenceLogprobs: null,
      },
      { clipEpsilon: 0.2, entropyCoefficient: 0, klCoefficient: 0 },
    );
    expect(recipe.dLogits.some((slope) => slope !== 0)).toBe(false);
  });
});

describe("updates", () => {
  const groups = [0, 1, 2, 3, 4].map((i) =>
    group(`g${i}`, [[4, 5, STOP], [4, STOP], [6 + i]], [0, 1, i / 8]),
  );

  /**
   * Returns loss and gradient of the first update as a list of [answer, derivatives], over all
   * lanes.
   */
  function gradient(rules: UpdateRules) {
    const update = planUpdates(groups, rules).updates[0];
    const packs = update?.lanes.flat() ?? [];
    const results = packs.map((pack) => {
      const newLogprobs = pack.answers.flatMap((answer) => [...answer.logprobs]);
      return packLoss(pack, DEFAULT_LOSS, { newLogprobs, entropies: newLogprobs });
    });
    const slopes = packs.flatMap((pack, p) => {
      let start = 0;
      return pack.answers.map((answer) => {
        const end = start + answer.tokens.length;
        const own = [...(results[p]?.dLogprob.slice(start, end) ?? [])];
        start = end;
        return [`${pack.groupKey}/${answer.rollout}`, own] as const;
      });
    });
    slopes.sort(([a], [b]) => (a < b ? -1 : 1));
    return { slopes, loss: mergeMetrics(results.map(({ metrics }) => metrics)).loss };
  }

  test("no token's gradient depends on the number of lanes or packs", () => {
    const whole = gradient(UPDATE_RULES);
    for (const change of [{ lanes: 4 }, { maxPackTokens: 6 }, { lanes: 3, maxPackTokens: 8 }]) {
      const split = gradient({ ...UPDATE_RULES, ...change });
      expect(split.slopes).toEqual(whole.slopes);
      expect(split.loss).toBeCloseTo(whole.loss, 14);
    }
  });

  test("the number of updates follows from the rules, not from the number of lanes", () => {
    for (const lanes of [1, 2, 7]) {
      const rules = { ...UPDATE_RULES, lanes, updatesPerIteration: 2 };
      expect(planUpdates(groups, rules).updates).toHaveLength(2);
    }
  });

  test("with a fixed divisor an answer's weight does not depend on the lengths of other answers", () => {
    const aggregation = { type: "token-sum-fixed", divisor: 100 } as const;
    const { updates } = planUpdates(groups, {
      ...UPDATE_RULES,
      aggregation,
      updatesPerIteration: 3,
    });
    const weights = updates.flatMap((update) =>
      update.lanes.flat().flatMap((pack) => pack.answers.map((answer) => answer.weight)),
    );
    expect(new Set(weights)).toEqual(new Set([0.01]));
  });

  test("truncated answers are counted, and masked on request", () => {
    const cut = groups.map((g) => ({
      ...g,
      rollouts: g.rollouts.map(
        (r, i) => ({ ...r, finish: i === 0 ? "length" : r.finish }) as const,
      ),
    }));
    const { updates, counts } = planUpdates(cut, { ...UPDATE_RULES, truncated: "mask" });
    expect(counts.numTruncated).toBe(5);
    expect(updates[0]?.numAnswers).toBe(10);
  });
});
