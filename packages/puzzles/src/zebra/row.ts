import { type Rng } from "@gumshoe/core";

import { type Attribute, NAMES, TRAITS } from "./attribute.js";

/** How large a zebra puzzle is. */
export interface ZebraSize {
  /** Houses in the row, 3 to 7. */
  houses: number;
  /** What residents differ in, their names included: 2 to 6. */
  attributes: number;
}

/** A row of houses with its residents: what a puzzle is about, and what its clues do not say outright. */
export interface Row {
  readonly numHouses: number;
  /** Names first; each with the values that occur, in the order in which a prompt lists them. */
  readonly attributes: readonly Attribute[];
  /** House by attribute and value, from 0. */
  readonly houseOf: readonly (readonly number[])[];
}

/** Draws who lives where, with what. */
export function drawRow(rng: Rng, { houses, attributes }: ZebraSize): Row {
  const traits = rng.shuffle([...TRAITS.keys()]).slice(0, attributes - 1);
  // In the order of the table: what is drawn is which traits there are.
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
