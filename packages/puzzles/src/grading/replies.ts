import { type Rng } from "@gumshoe/core";

import { type Kind } from "../names.js";

/** A question of a case, without its answer. */
export interface Question {
  letter: string;
  kind: Kind;
  /** Whether it asks about the crime; the others are bonus questions. */
  main: boolean;
  /** The names of its kind that the prompt lists: what a guess is drawn from. */
  choices: readonly string[];
}

/** The questions of a case with their answers. */
export interface AnswerSheet {
  questions: readonly Question[];
  solution: Readonly<Record<string, string>>;
}

/** Writes the right reply: a line "A. Mrs. White" per letter. */
export function goldReply(solution: Readonly<Record<string, string>>): string {
  return Object.entries(solution)
    .map(([letter, answer]) => `${letter}. ${answer}`)
    .join("\n");
}

/**
 * Writes the reply of somebody who knows but is careless: each answer is, with probability `share`,
 * any listed name of its kind (which may be the right one), and the right one otherwise.
 */
export function carelessReply(sheet: AnswerSheet, rng: Rng, share: number): string {
  const careless = sheet.questions.map(({ letter, choices }): [string, string] => {
    const answer = sheet.solution[letter] ?? "";
    const guess = choices.length === 0 ? answer : rng.pick(choices);
    return [letter, rng.chance(share) ? guess : answer];
  });
  return goldReply(Object.fromEntries(careless));
}

/** Returns the expected score of somebody who picks each answer from the listed names of its kind. */
export function randomGuessLevel({ questions }: Pick<AnswerSheet, "questions">): number {
  if (questions.length === 0) return 0;
  const chances = questions.map(({ choices }) => (choices.length === 0 ? 0 : 1 / choices.length));
  return chances.reduce((sum, chance) => sum + chance, 0) / questions.length;
}
