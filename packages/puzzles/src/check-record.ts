import { ClusterError } from "@gumshoe/core";

import type { SolverFactory } from "./solver/sat-solver.js";
import { solvePrompt } from "./solve-prompt.js";
import type { PuzzleRecord } from "./tasks/dataset.js";

/**
 * Checks a case of a file from its text alone: that it can be parsed, has one solution and no
 * redundant clue, and that its answers and number of clues are right.
 *
 * @returns  the problems found; empty for none
 */
export function checkRecord(record: PuzzleRecord, solver?: SolverFactory): string[] {
  try {
    const { solution, parsed, redundant } = solvePrompt(record.prompt, solver);
    const problems: string[] = redundant.map((index) => {
      return `a clue that could be left out: "${parsed.sentences[index]}"`;
    });
    if (parsed.clues.length !== record.num_clues) {
      problems.push(`num_clues is ${record.num_clues}, the prompt has ${parsed.clues.length}`);
    }
    const letters = new Set([...Object.keys(solution), ...Object.keys(record.solution)]);
    for (const letter of letters) {
      const [found, given] = [solution[letter], record.solution[letter]];
      if (found === undefined) problems.push(`solution.${letter} answers no question`);
      else if (given === undefined) problems.push(`solution.${letter} is missing, it is ${found}`);
      else if (found !== given)
        problems.push(`solution.${letter} is ${given}, it must be ${found}`);
    }
    return problems;
  } catch (thrown) {
    // Text that cannot be read or solved is a finding; any other error is a bug.
    if (thrown instanceof ClusterError) return [thrown.message];
    throw thrown;
  }
}
