import { DatasetError } from "../errors.js";
import { type Question } from "../grading/replies.js";
import { ALL_NAMES, type Kind, kindOfName, TIME_PATTERN } from "../names.js";
import { isMainQuestion } from "../prompt/question-text.js";
import { type PuzzleRecord } from "./dataset.js";

/**
 * Finds out what the questions of a record ask for, and which names its prompt lists for each: the
 * kind comes from the answer, the wording of the question says whether it is a main question.
 *
 * @param place  where the record comes from, for errors
 * @throws       DatasetError when an answer is no known name and no time
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

/** The names of a kind that occur in a text, in the order of the vocabulary (times: of the text). */
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
