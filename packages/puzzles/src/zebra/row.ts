import type { Rng } from "@gumshoe/core";

import { type Attribute, NAMES, TRAITS } from "./attribute.js";

/** The size of a zebra puzzle. */
export interface ZebraSize {
  /** Houses in the row, 3 to 7. */
  houses: number;
  /** Number of attributes, names included: 2 to 6. */
  attributes: number;
}

/** A row of houses with its residents, the truth of a puzzle. */
export interface Row {
  readonly numHouses: number;
  /** Names first; each attribute with the values in use, in the order of the prompt's lists. */
  readonly attributes: readonly Attribute[];
  /** House by attribute and value, from 0. */
  readonly houseOf: readonly (readonly number[])[];
}

/** Draws the residents and their attributes. */
export function drawRow(rng: Rng, { houses, attributes }: ZebraSize): Row {
  const traits = rng.shuffle([...TRAITS.keys()]).slice(0, attributes - 1);
  // Keep the order of the table: only the choice of traits is random.
  const chosen = [NAMES, ...TRAITS.filter((_, index) => traits.includes(index))];
  return {
    numHouses: houses,
    attributes: chosen.map((attribute) => ({
      ...attribute,
      values: rng.shuffle(attribute.values).slice(0, houses),
    })),
    houseOf: chosen.map(() => rng.shuffle(Array.from({ length: houses }, (_, house) => house))),
  };
}
