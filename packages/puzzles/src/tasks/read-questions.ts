import { DatasetError } from "../errors.js";
import type { Question } from "../grading/replies.js";
import { ALL_NAMES, type Kind, kindOfName, TIME_PATTERN } from "../names.js";
import { isMainQuestion } from "../prompt/question-text.js";
import type { PuzzleRecord } from "./dataset.js";

/**
 * Derives the questions of a record: the kind of each from its answer, main or bonus from its
 * wording, and its choices from the names listed in the prompt.
 *
 * @param place  origin of the record, for errors
 * @throws       DatasetError when an answer is neither a known name nor a time
 */
export function readQuestions(record: PuzzleRecord, place: string): Question[] {
  const texts = questionTexts(record.prompt);
  const listed = new Map<Kind, string[]>();
  return Object.entries(record.solution).map(([letter, answer]) => {
    const kind = kindOfName(answer);
    if (kind === null) {
      throw new DatasetError(
        place,
        `"${answer}" is no known name and no time`,
        `solution.${letter}`,
      );
    }
    const choices = listed.get(kind) ?? listedNames(record.prompt, kind);
    listed.set(kind, choices);
    return { letter, kind, main: isMainQuestion(texts.get(letter) ?? ""), choices };
  });
}

/**
 * Returns the names of a kind that occur in a text, in the order of the vocabulary (times: of the
 * text).
 */
function listedNames(prompt: string, kind: Kind): string[] {
  if (kind === "time") return [...new Set(prompt.match(TIME_PATTERN) ?? [])];
  return ALL_NAMES[kind].filter((name) => {
    return new RegExp(`\\b${name.replaceAll(".", "\\.")}\\b`).test(prompt);
  });
}

function questionTexts(prompt: string): Map<string, string> {
  const lines = prompt.matchAll(/^([A-Z])\. (.*\?)$/gm);
  return new Map([...lines].map(([, letter = "", text = ""]) => [letter, text]));
}
