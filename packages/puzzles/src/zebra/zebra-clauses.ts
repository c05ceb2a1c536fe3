import { Formula } from "../solver/formula.js";
import type { SatSolver } from "../solver/sat-solver.js";
import type { Row } from "./row.js";
import { HOUSE_RULES, PAIR_RULES, type Value, type ZebraClue } from "./zebra-clue.js";

/**
 * Encodes a row and its clues into a solver: every value is in one house, no two values of an
 * attribute are in the same, every clue holds under its selector, and something differs from the
 * truth. A set of clues has one solution exactly when its selectors are unsatisfiable together.
 *
 * @returns selector by clue, in the order of the clues
 */
export function encodeZebra(solver: SatSolver, row: Row, clues: readonly ZebraClue[]): number[] {
  const { numHouses, houseOf } = row;
  const all = Array.from({ length: numHouses }, (_, index) => index);
  const lives = ({ attribute, value }: Value, house: number) =>
    1 + (attribute * numHouses + value) * numHouses + house;
  const formula = new Formula(solver, houseOf.length * numHouses * numHouses);
  for (const attribute of houseOf.keys()) {
    for (const value of all)
      formula.exactlyOne(all.map((house) => lives({ attribute, value }, house)));
    for (const house of all)
      formula.exactlyOne(all.map((value) => lives({ attribute, value }, house)));
  }
  const otherwise = houseOf.flatMap((houses, attribute) =>
    houses.map((house, value) => -lives({ attribute, value }, house)),
  );
  formula.clause(...otherwise);
  return clues.map((clue) => {
    const selector = formula.fresh();
    if ("house" in clue) {
      const holds = all.filter((at) => HOUSE_RULES[clue.rule](at, clue.house, numHouses));
      formula.clause(-selector, ...holds.map((at) => lives(clue.a, at)));
    } else {
      for (const at of all) {
        const holds = all.filter((other) => PAIR_RULES[clue.rule](at, other));
        formula.clause(-selector, -lives(clue.a, at), ...holds.map((b) => lives(clue.b, b)));
      }
    }
    return selector;
  });
}
