import type { Rng } from "@gumshoe/core";

/** Number of each kind in a scenario. */
export interface Sizes {
  suspects: number;
  weapons: number;
  rooms: number;
  times: number;
  /** Number of motives to draw from; unassigned ones are discarded. */
  motives: number;
  /** Whether every suspect has a different motive. */
  uniqueMotives: boolean;
}

/** Upper bounds of the sizes. */
export type SizeLimits = Omit<Sizes, "uniqueMotives">;

/**
 * How sizes are drawn: as in the public set, scaled by a number of players (who are not in the
 * case), or each from a list of equally likely numbers.
 */
export type SizeRule =
  | {
      type: "players";
      players: readonly [min: number, max: number];
      /**
       * Replace the limits that follow from the players; those of times and motives can only be
       * lowered.
       */
      limits?: Partial<SizeLimits>;
    }
  | {
      type: "lists";
      suspects: readonly number[];
      weapons: readonly number[];
      rooms: readonly number[];
      times: readonly number[];
      /** 1 for none; otherwise as many as there are suspects, up to this number. */
      motives: readonly number[];
    };

/** Draws the sizes of one scenario; `uniqueMotives` is the probability that no motive is shared. */
export function drawSizes(
  rng: Rng,
  rule: SizeRule,
  names: SizeLimits,
  uniqueMotives: number,
): Sizes {
  if (rule.type === "lists") {
    const suspects = rng.pick(rule.suspects);
    const motives = Math.min(rng.pick(rule.motives), suspects);
    return {
      suspects,
      weapons: rng.pick(rule.weapons),
      rooms: rng.pick(rule.rooms),
      times: rng.pick(rule.times),
      motives,
      uniqueMotives: rng.chance(uniqueMotives) && motives === suspects,
    };
  }
  const players = rng.between(...rule.players);
  const caps = capsFor(players, rule.limits ?? {}, names);
  const weapons = Math.max(2, Math.min(players + rng.between(-1, 5), caps.weapons));
  const suspects = Math.min(weapons + rng.between(0, weapons - 1), caps.suspects);
  const rooms = Math.min(suspects + rng.between(0, suspects - 2), caps.rooms);
  const times = rng.between(1, caps.times);
  const pool = Math.min(suspects, caps.motives);
  // With fewer motives than suspects some are shared.
  const unique = rng.chance(uniqueMotives) && pool === suspects;
  const motives = unique ? pool : rng.between(1, pool);
  return { suspects, weapons, rooms, times, motives, uniqueMotives: unique };
}

function capsFor(players: number, given: Partial<SizeLimits>, names: SizeLimits): SizeLimits {
  const suspects = Math.min(given.suspects ?? Math.floor(2.5 * players), names.suspects);
  return {
    suspects,
    weapons: Math.min(given.weapons ?? Math.floor(2.125 * players), names.weapons),
    rooms: Math.min(given.rooms ?? 3 * players, names.rooms),
    times: Math.min(given.times ?? Infinity, 2 * players),
    motives: Math.min(given.motives ?? Infinity, suspects, names.motives),
  };
}
