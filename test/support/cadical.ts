import { Cadical, loadCadical as loadModule } from "cadical-wasm";

import type { SolverFactory } from "@gumshoe/puzzles";

/** Loads CaDiCaL (WebAssembly); returns a factory of its solvers. */
export async function loadCadical(): Promise<SolverFactory> {
  const module = await loadModule();
  return () => {
    const solver = new Cadical(module, { quiet: true });
    return {
      addClause: (literals) => solver.addClause(literals),
      solve: (assumptions = []) => {
        const status = solver.solve({ assumptions });
        // Without limits and callbacks CaDiCaL always reaches a verdict.
        if (status === "unknown") throw new Error("CaDiCaL gave up without being told to");
        return status === "satisfiable";
      },
      value: (variable) => solver.value(variable),
      core: () => solver.failedAssumptions(),
      dispose: () => solver.dispose(),
    };
  };
}
