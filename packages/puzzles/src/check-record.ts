import { ClusterError } from "@gumshoe/core";

import { type SolverFactory } from "./solver/sat-solver.js";
import { solvePrompt } from "./solve-prompt.js";
import { type PuzzleRecord } from "./tasks/dataset.js";

/**
 * Checks a case of a file from its text alone: that it can be read, has one solution, no clue too many,
 * and the answers and number of clues that are given.
 *
 * @returns  what is wrong, in words; empty when nothing is
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
    // What cannot be read or solved is a finding; anything else is a fault of ours.
    if (thrown instanceof ClusterError) return [thrown.message];
    throw thrown;
  }
}
