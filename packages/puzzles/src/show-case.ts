import type { SolverFactory } from "./solver/sat-solver.js";
import { solvePrompt } from "./solve-prompt.js";
import { drawNight } from "./trace/board-text.js";
import { writeTrace } from "./trace/trace-text.js";
import { writeWalks } from "./trace/walks-text.js";

/** A case with the steps to its solution. */
export interface ExplainedCase {
  prompt: string;
  /** Answer by letter. */
  solution: Record<string, string>;
  /** The deduction, one line per step. */
  trace: string[];
  /** The board at every time. */
  board: string;
  /** The walk of every piece; null for a case with one time, in which nothing moves. */
  walks: string | null;
}

/**
 * Explains a case from the text of its prompt: the deduction step by step, and what happened.
 *
 * @throws PromptError, UnsolvableError like `solvePrompt`
 */
export function explainCase(prompt: string, solver?: SolverFactory): ExplainedCase {
  const { parsed, truth, solution } = solvePrompt(prompt, solver);
  const { setting, style } = parsed;
  return {
    prompt,
    solution,
    trace: writeTrace(parsed, style).split("\n"),
    board: drawNight(setting, truth),
    walks: setting.times.length > 1 ? writeWalks(setting, truth) : null,
  };
}

/** Formats an explained case for people: prompt, numbered steps, boards, walks, answers. */
export function showCase({ prompt, solution, trace, board, walks }: ExplainedCase): string {
  const steps = trace.map((line, index) => `${index + 1}. ${line}`);
  const answers = Object.entries(solution).map(([letter, answer]) => `${letter}. ${answer}`);
  return [
    prompt,
    `How it is solved:\n${steps.join("\n")}`,
    `What happened (* the murder):\n${board}`,
    ...(walks === null ? [] : [`Who and what was where:\n${walks}`]),
    `Answers:\n${answers.join("\n")}`,
  ].join("\n\n");
}
