import { type Rng } from "@gumshoe/core";

import { type Kind, type Vocabulary } from "../names.js";

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

/** How careless a reply is. */
export interface Carelessness {
  /** Probability of each answer to be any name of its kind, which may be the right one. */
  share: number;
  /** The names that come to mind; null for those that the case lists. Times are always listed ones. */
  names: Vocabulary | null;
}

/** Writes the reply of somebody who knows the answers but is careless. */
export function carelessReply(
  sheet: AnswerSheet,
  rng: Rng,
  { share, names }: Carelessness,
): string {
  const careless = sheet.questions.map(({ letter, kind, choices }): [string, string] => {
    const answer = sheet.solution[letter] ?? "";
    const known = names === null || kind === "time" ? choices : names[kind];
    const guess = known.length === 0 ? answer : rng.pick(known);
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
