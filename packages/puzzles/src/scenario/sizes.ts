import { type Rng } from "@gumshoe/core";

/** How many of everything a scenario has. */
export interface Sizes {
  suspects: number;
  weapons: number;
  rooms: number;
  times: number;
  /** Motives to draw from; those that nobody has are discarded. */
  motives: number;
  /** Whether every suspect has a motive of their own. */
  uniqueMotives: boolean;
}

/** Upper bounds of the sizes. */
export type SizeLimits = Omit<Sizes, "uniqueMotives">;

/**
 * How sizes are drawn: as the public set does, scaled by a number of players (who are not in the case),
 * or each from a list of equally likely numbers.
 */
export type SizeRule =
  | {
      type: "players";
      players: readonly [min: number, max: number];
      /** Take the place of what the players allow, except for times and motives, which only fall. */
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

/** Draws the sizes of one scenario; `uniqueMotives` is the chance that nobody shares a motive. */
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
  // With fewer motives than suspects somebody has to share.
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
