import type { AnswerSheet, Question } from "../grading/replies.js";
import { writeClearPrompt } from "./clear-prompt.js";
import { writeDatasetPrompt } from "./dataset-prompt.js";
import { letterOf } from "./letters.js";
import { answerIndex, namesOfKind, type Plot, queryKind } from "./plot.js";
import type { Style } from "./style.js";

/** Words a case: the prompt, its questions and their answers. */
export function writeCase(plot: Plot, style: Style): AnswerSheet & { prompt: string } {
  const questions: Question[] = [];
  const solution: Record<string, string> = {};
  plot.queries.forEach((query, index) => {
    const letter = letterOf(index);
    const kind = queryKind(query);
    const choices = namesOfKind(plot.setting, kind);
    questions.push({ letter, kind, main: query.type === "main", choices });
    solution[letter] = choices[answerIndex(query, plot.truth)] ?? "";
  });
  const prompt = style === "clear" ? writeClearPrompt(plot) : writeDatasetPrompt(plot);
  return { prompt, questions, solution };
}
