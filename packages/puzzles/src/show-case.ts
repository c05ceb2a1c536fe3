import { type SolverFactory } from "./solver/sat-solver.js";
import { solvePrompt } from "./solve-prompt.js";
import { drawNight } from "./trace/board-text.js";
import { writeTrace } from "./trace/trace-text.js";

/**
 * Shows a case to people: its prompt, how it is solved step by step, and the board at every time.
 *
 * @throws PromptError, UnsolvableError as `solvePrompt` does
 */
export function showCase(prompt: string, solver?: SolverFactory): string {
  const { parsed, truth, solution } = solvePrompt(prompt, solver);
  const answers = Object.entries(solution).map(([letter, answer]) => `${letter}. ${answer}`);
  const steps = writeTrace(parsed, parsed.style)
    .split("\n")
    .map((line, index) => `${index + 1}. ${line}`);
  return [prompt, steps.join("\n"), drawNight(parsed.setting, truth), answers.join("\n")].join(
    "\n\n",
  );
}
