import { InvalidArgumentError } from "@gumshoe/core";
import { countRowTokens, type Pack } from "./pack.js";

/**
 * Distributes an update's packs over a fixed number of lanes with similar token counts: the longest
 * pack first, each to the lane with the fewest tokens.
 *
 * The number of lanes is a setting of the run, independent of the number of workers: a lane is a
 * sum of gradients in a fixed order, and is the same for one worker or ten.
 *
 * @returns always `numLanes` lists, some of them possibly empty; packs keep their order within a
 *   lane
 */
export function assignLanes(packs: readonly Pack[], numLanes: number): Pack[][] {
  if (!Number.isInteger(numLanes) || numLanes < 1) {
    throw new InvalidArgumentError("lanes", `must be a whole number above 0, is ${numLanes}`);
  }
  const sizes = packs.map(countRowTokens);
  // The sort is stable: packs of equal size keep their order.
  const order = packs.map((_, index) => index);
  order.sort((a, b) => (sizes[b] as number) - (sizes[a] as number));
  const loads = new Array<number>(numLanes).fill(0);
  const laneOf = new Array<number>(packs.length);
  for (const index of order) {
    const lane = loads.indexOf(Math.min(...loads));
    loads[lane] = (loads[lane] as number) + (sizes[index] as number);
    laneOf[index] = lane;
  }
  return loads.map((_, lane) => packs.filter((_pack, index) => laneOf[index] === lane));
}
