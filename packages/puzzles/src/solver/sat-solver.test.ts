import { Rng } from "@gumshoe/core";
import { describe, expect, test } from "vitest";

import { loadCadical } from "../../../../test/support/cadical.js";
import { Cdcl } from "./cdcl.js";
import type { SatSolver } from "./sat-solver.js";

const cadical = await loadCadical();
const SOLVERS: [string, () => SatSolver][] = [
  ["own solver", () => new Cdcl()],
  ["CaDiCaL", cadical],
];

/** Returns a random clause of three literals over a number of variables. */
function randomClause(rng: Rng, variables: number): number[] {
  return Array.from({ length: 3 }, () => (rng.chance(0.5) ? 1 : -1) * rng.between(1, variables));
}

function satisfies(solver: SatSolver, clause: readonly number[]): boolean {
  return clause.some((literal) => solver.value(Math.abs(literal)) === literal > 0);
}

describe.each(SOLVERS)("%s", (_name, make) => {
  test("an empty formula is satisfiable, an empty clause is not", () => {
    const solver = make();
    expect(solver.solve()).toBe(true);
    solver.addClause([]);
    expect(solver.solve()).toBe(false);
    expect(solver.core()).toEqual([]);
  });

  test("assumptions apply to one call", () => {
    const solver = make();
    solver.addClause([1, 2]);
    expect(solver.solve([-1, -2])).toBe(false);
    expect(solver.core().sort()).toEqual([-1, -2]);
    expect(solver.solve([-1])).toBe(true);
    expect(solver.value(2)).toBe(true);
  });

  test("contradictory assumptions form the core", () => {
    const solver = make();
    solver.addClause([1, 2]);
    expect(solver.solve([1, -1])).toBe(false);
    expect(solver.core().sort()).toEqual([-1, 1]);
  });

  test("seven pigeons do not fit into six holes", () => {
    const solver = make();
    const inHole = (pigeon: number, hole: number) => 1 + pigeon * 6 + hole;
    for (let pigeon = 0; pigeon < 7; pigeon++) {
      solver.addClause([0, 1, 2, 3, 4, 5].map((hole) => inHole(pigeon, hole)));
      for (let other = 0; other < pigeon; other++) {
        for (let hole = 0; hole < 6; hole++) {
          solver.addClause([-inHole(pigeon, hole), -inHole(other, hole)]);
        }
      }
    }
    expect(solver.solve()).toBe(false);
  });
});

test("both solvers agree on growing random formulas, their models satisfy them, and their cores are unsatisfiable", () => {
  for (let seed = 0; seed < 60; seed++) {
    const rng = new Rng(seed);
    const variables = rng.between(8, 60);
    const own = new Cdcl();
    const other = cadical();
    const clauses: number[][] = [];
    for (let call = 0; call < 12; call++) {
      for (let i = 0; i < variables / 2; i++) {
        const clause = randomClause(rng, variables);
        clauses.push(clause);
        own.addClause(clause);
        other.addClause(clause);
      }
      const assumptions = Array.from({ length: rng.below(6) }, () => {
        return (rng.chance(0.5) ? 1 : -1) * rng.between(1, variables);
      });
      const verdict = own.solve(assumptions);
      expect(verdict, `seed ${seed} call ${call}`).toBe(other.solve(assumptions));
      if (verdict) {
        expect(clauses.every((clause) => satisfies(own, clause))).toBe(true);
        expect(assumptions.every((literal) => satisfies(own, [literal]))).toBe(true);
      } else {
        expect(own.core().every((literal) => assumptions.includes(literal))).toBe(true);
        expect(other.solve(own.core())).toBe(false);
      }
    }
    other.dispose();
  }
});
