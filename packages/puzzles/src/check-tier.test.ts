import { Rng } from "@gumshoe/core";
import { expect, test } from "vitest";

import { checkCase } from "./check-case.js";
import { checkTier } from "./check-tier.js";
import { generatePlot } from "./generate-case.js";
import { type Tier, TIER_NAMES, TIERS } from "./tiers.js";

const { mini, easy } = TIERS;
type Scenario = Partial<Tier["scenario"]>;
const lists = mini.scenario.sizes as Extract<Tier["scenario"]["sizes"], { type: "lists" }>;
const withScenario = (base: Tier, change: Scenario): Tier => ({
  ...base,
  scenario: { ...base.scenario, ...change },
});
const withSizes = (change: Partial<typeof lists>) =>
  withScenario(mini, { sizes: { ...lists, ...change } });

test("all tiers of the table are possible", () => {
  for (const name of TIER_NAMES) expect(() => checkTier(TIERS[name])).not.toThrow();
});

test.each<[string, Tier]>([
  ["sizes.rooms: must be a list of whole numbers from 2 to 9", withSizes({ rooms: [1] })],
  ["sizes.rooms", withSizes({ rooms: [10] })],
  ["sizes.suspects", withSizes({ suspects: [] })],
  ["sizes.times", withSizes({ times: [1.5] })],
  ["sizes.players", withScenario(easy, { sizes: { type: "players", players: [3, 2] } })],
  [
    "sizes.limits.rooms: must be a whole number, 2 or more",
    withScenario(easy, { sizes: { type: "players", players: [1, 2], limits: { rooms: 1 } } }),
  ],
  ["moveChance", withScenario(easy, { moveChance: 1.1 })],
  ["questions.max", { ...mini, questions: { ...mini.questions, max: 27 } }],
  ["questions.min", { ...mini, questions: { ...mini.questions, min: 6 } }],
])("an impossible tier is rejected with the name of the parameter: %s", (message, tier) => {
  expect(() => checkTier(tier)).toThrow(message);
  expect(() => generatePlot(new Rng(1), tier)).toThrow(message);
});

test("a tier outside of the table makes valid cases, even with few motives and a single suspect", () => {
  const limits = { motives: 2, weapons: 2, times: 3, rooms: 4 };
  const few = withScenario(easy, {
    sizes: { type: "players", players: [2, 4], limits },
    uniqueMotives: 1,
  });
  for (const tier of [few, withSizes({ suspects: [1], times: [3], motives: [1] })]) {
    for (let seed = 0; seed < 10; seed++) {
      expect(checkCase(generatePlot(new Rng(seed), tier))).toEqual({ unique: true, redundant: [] });
    }
  }
});
