import type { Clue } from "../clues/clue.js";
import { PromptError } from "../errors.js";
import type { Setting } from "../scenario/setting.js";
import { readClearLayout } from "./clear-layout.js";
import { readDatasetLayout } from "./dataset-layout.js";
import type { Query } from "./plot.js";
import { ClueReader } from "./read-clue.js";
import { QuestionReader } from "./read-question.js";
import { TEMPLATES } from "./sentences.js";
import type { Style } from "./style.js";

/** The content of a prompt. */
export interface ParsedPrompt {
  style: Style;
  setting: Setting;
  clues: Clue[];
  /** The clues as written in the prompt. */
  sentences: string[];
  questions: { letter: string; query: Query }[];
}

/**
 * Parses a prompt of either style.
 *
 * @throws PromptError naming the line that cannot be parsed
 */
export function parsePrompt(prompt: string): ParsedPrompt {
  const isClear = /^Suspects: /m.test(prompt);
  const { style, setting, clues, questions } = isClear
    ? readClearLayout(prompt)
    : readDatasetLayout(prompt);
  if (questions.length === 0) throw new PromptError("questions", "the prompt asks none");
  const clueReader = new ClueReader(setting, TEMPLATES[style]);
  const questionReader = new QuestionReader(setting, TEMPLATES[style]);
  return {
    style,
    setting,
    sentences: clues,
    clues: clues.map((sentence) => clueReader.read(sentence)),
    questions: questions.map(({ letter, text }) => ({ letter, query: questionReader.read(text) })),
  };
}
