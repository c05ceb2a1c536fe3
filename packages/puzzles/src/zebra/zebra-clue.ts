/**
 * The clues of a zebra puzzle. Each rule is defined by a predicate on houses: one table serves both
 * for drawing true clues and for encoding them as clauses.
 */
import type { Rng } from "@gumshoe/core";

import type { Row } from "./row.js";

/** One value of one attribute, by index. */
export interface Value {
  readonly attribute: number;
  readonly value: number;
}

/** The relation between the houses of two values, counted from the left. */
export const PAIR_RULES = {
  same: (a: number, b: number) => a === b,
  different: (a: number, b: number) => a !== b,
  beside: (a: number, b: number) => Math.abs(a - b) === 1,
  "directly-left": (a: number, b: number) => a + 1 === b,
  left: (a: number, b: number) => a < b,
  "one-between": (a: number, b: number) => Math.abs(a - b) === 2,
} as const;
export type PairRule = keyof typeof PAIR_RULES;

/** The position of a value's house, in a row of a number of houses. */
export const HOUSE_RULES = {
  "in-house": (a: number, house: number) => a === house,
  "not-in-house": (a: number, house: number) => a !== house,
  "at-end": (a: number, _house: number, numHouses: number) => a === 0 || a === numHouses - 1,
} as const;
export type HouseRule = keyof typeof HOUSE_RULES;

/** A clue: a rule, and the values it is about. */
export type ZebraClue =
  | { readonly rule: PairRule; readonly a: Value; readonly b: Value }
  | { readonly rule: HouseRule; readonly a: Value; readonly house: number };

/**
 * Removal bias of each rule: clues with a higher bias are tried later, and are more likely to stay.
 */
export const RULE_BIAS: Record<PairRule | HouseRule, number> = {
  "in-house": -0.6,
  "not-in-house": 0.15,
  "at-end": 0.2,
  same: 0.35,
  different: 0.25,
  beside: 0.25,
  "directly-left": 0.2,
  left: 0.1,
  "one-between": 0.15,
};

/** Most clues of one rule; more would take time and change little. */
const MAX_OF_RULE = 60;

/**
 * Lists clues that are true in a row. They include every value's house, so that all clues together
 * always have one solution.
 */
export function drawTrueClues(rng: Rng, row: Row): ZebraClue[] {
  const { numHouses, houseOf } = row;
  const values = houseOf.flatMap((houses, attribute) =>
    [...houses.keys()].map((value): Value => ({ attribute, value })),
  );
  const places = values.flatMap((a) => range(numHouses).map((house) => ({ a, house })));
  const pairs = values.flatMap((a) => values.map((b) => ({ a, b }))).filter(({ a, b }) => a !== b);
  const some = <T>(all: readonly T[]): T[] => rng.shuffle(all).slice(0, MAX_OF_RULE);
  const where = ({ attribute, value }: Value) => houseOf[attribute]?.[value] as number;
  const clues: ZebraClue[] = [];
  for (const rule of keysOf(HOUSE_RULES)) {
    const holds = places.filter(({ a, house }) => HOUSE_RULES[rule](where(a), house, numHouses));
    // The "at-end" rule ignores the house: keep one clue per value.
    const distinct = holds.filter(({ house }) => rule !== "at-end" || house === 0);
    const kept = rule === "in-house" ? distinct : some(distinct);
    clues.push(...kept.map((clue) => ({ rule, ...clue })));
  }
  for (const rule of keysOf(PAIR_RULES)) {
    const holds = pairs.filter(({ a, b }) => PAIR_RULES[rule](where(a), where(b)));
    clues.push(
      ...some(holds.filter((pair) => isWorthSaying(rule, pair))).map((c) => ({ rule, ...c })),
    );
  }
  return clues;
}

/** Excludes pairs without information, and the mirrored form of a symmetric pair. */
function isWorthSaying(rule: PairRule, { a, b }: { a: Value; b: Value }): boolean {
  const isAcross = a.attribute !== b.attribute;
  switch (rule) {
    case "same":
    case "different":
      return a.attribute < b.attribute;
    case "beside":
    case "one-between":
      return a.attribute < b.attribute || (!isAcross && a.value < b.value);
    case "directly-left":
    case "left":
      return true;
    default:
      return rule satisfies never;
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function keysOf<T extends object>(table: T): (keyof T)[] {
  return Object.keys(table) as (keyof T)[];
}
