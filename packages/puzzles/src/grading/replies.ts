import type { Rng } from "@gumshoe/core";

import type { Kind, Vocabulary } from "../names.js";

/** A question of a case, without its answer. */
export interface Question {
  letter: string;
  kind: Kind;
  /** Whether it asks about the crime; other questions are bonus questions. */
  main: boolean;
  /** The names of its kind that the prompt lists, from which guesses are drawn. */
  choices: readonly string[];
}

/** The questions of a case with their answers. */
export interface AnswerSheet {
  questions: readonly Question[];
  solution: Readonly<Record<string, string>>;
}

/** Writes the reference reply: a line "A. Mrs. White" per letter. */
export function goldReply(solution: Readonly<Record<string, string>>): string {
  return Object.entries(solution)
    .map(([letter, answer]) => `${letter}. ${answer}`)
    .join("\n");
}

/** The mistakes of a careless reply. */
export interface Carelessness {
  /** Probability of each answer to be a random name of its kind, possibly the right one. */
  share: number;
  /**
   * Vocabulary of the random names; null for those that the case lists. Times are always listed
   * ones.
   */
  names: Vocabulary | null;
}

/** Writes a reply with right answers, of which some are replaced by random names. */
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

/**
 * Writes a reply that blurts: each answer is, with a probability, the first name of its kind that
 * the case lists, and otherwise the right one.
 */
export function hastyReply(sheet: AnswerSheet, rng: Rng, share: number): string {
  const hasty = sheet.questions.map(({ letter, choices }): [string, string] => {
    const answer = sheet.solution[letter] ?? "";
    return [letter, rng.chance(share) ? (choices[0] ?? answer) : answer];
  });
  return goldReply(Object.fromEntries(hasty));
}

/**
 * Returns the expected score of picking each answer at random from the listed names of its kind.
 */
export function randomGuessLevel({ questions }: Pick<AnswerSheet, "questions">): number {
  if (questions.length === 0) return 0;
  const chances = questions.map(({ choices }) => (choices.length === 0 ? 0 : 1 / choices.length));
  return chances.reduce((sum, chance) => sum + chance, 0) / questions.length;
}
