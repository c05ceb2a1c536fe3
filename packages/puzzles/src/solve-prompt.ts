import { UnsolvableError } from "./errors.js";
import { type ParsedPrompt, parsePrompt } from "./prompt/parse-prompt.js";
import { answerIndex, namesOfKind, queryKind } from "./prompt/plot.js";
import type { Truth } from "./scenario/scenario.js";
import { Cdcl } from "./solver/cdcl.js";
import type { SolverFactory } from "./solver/sat-solver.js";
import { solveClues } from "./solver/solve-clues.js";

/** The solution of a case, computed from its prompt alone. */
export interface SolvedPrompt {
  /** Answer by letter. */
  solution: Record<string, string>;
  /** The parsed prompt, and what happened. */
  parsed: ParsedPrompt;
  truth: Truth;
  /** Indices of clues that could be omitted. */
  redundant: number[];
}

/**
 * Solves a case from the text of its prompt, in either style.
 *
 * @throws PromptError      when a line cannot be parsed
 * @throws UnsolvableError  when the clues are contradictory or have several solutions
 */
export function solvePrompt(
  prompt: string,
  solver: SolverFactory = () => new Cdcl(),
): SolvedPrompt {
  const parsed = parsePrompt(prompt);
  const { setting, clues, sentences, questions } = parsed;
  const verdict = solveClues(setting, clues, solver);
  if (verdict.type === "contradiction") {
    const conflict = verdict.conflict.map((index) => sentences[index] ?? "");
    throw new UnsolvableError(
      "contradiction",
      `these clues contradict each other: ${conflict.map((text) => `"${text}"`).join(", ")}`,
      conflict,
    );
  }
  const answers = (truth: Truth) =>
    Object.fromEntries(
      questions.map(({ letter, query }) => [
        letter,
        namesOfKind(setting, queryKind(query))[answerIndex(query, truth)] ?? "",
      ]),
    );
  if (verdict.type === "ambiguous") {
    const [one, other] = verdict.truths.map(answers);
    const open = questions.find(({ letter }) => one?.[letter] !== other?.[letter])?.letter;
    const example =
      open === undefined ? "" : `, such as ${open}. ${one?.[open]} and ${open}. ${other?.[open]}`;
    throw new UnsolvableError("ambiguous", `the clues have more than one solution${example}`);
  }
  const { truth, redundant } = verdict;
  return { solution: answers(truth), parsed, truth, redundant };
}
