import type { Clue, SolutionPart } from "../clues/clue.js";
import type { Query } from "../prompt/plot.js";
import { type Setting, victimPiece, weaponPiece } from "../scenario/setting.js";
import type { Step } from "./deduce.js";

/**
 * Lists what a deduction concludes: where the victim, the murderer and the weapon were at the time
 * of the crime, and for each question about a place or a motive the facts that answer it. Answers
 * can then be copied. What the deduction has not reached is left out.
 *
 * @returns  the facts of each line
 */
export function conclusionsOf(
  setting: Setting,
  queries: readonly Query[],
  steps: readonly Step[],
): Clue[][] {
  const facts = steps
    .flatMap((step) => step.facts)
    .flatMap(({ statement, holds }): Clue[] => (holds ? [statement] : []));
  const part = (wanted: SolutionPart) =>
    facts.flatMap((fact) =>
      fact.type === "solution" && fact.part === wanted ? fact.value : [],
    )[0];
  const place = (piece: number, time: number) =>
    facts.filter(
      (fact) =>
        fact.type === "at" &&
        fact.subject.type === "piece" &&
        fact.subject.piece === piece &&
        fact.time === time,
    );
  const motiveOf = (suspect: number) =>
    facts.filter((fact) => fact.type === "motive" && fact.suspect === suspect);
  const holdersOf = (motive: number) =>
    facts.flatMap((fact) => (fact.type === "motive" && fact.motive === motive ? [fact] : []));
  const [killer, weapon] = [part("murderer"), part("weapon")];
  const time = setting.times.length > 1 ? part("time") : 0;
  const present = [
    victimPiece(setting),
    ...(killer === undefined ? [] : [killer]),
    ...(weapon === undefined ? [] : [weaponPiece(setting, weapon)]),
  ];
  const crime = time === undefined ? [] : present.flatMap((piece) => place(piece, time));
  const about = (query: Query): Clue[] => {
    switch (query.type) {
      case "main":
        return query.part === "motive" && killer !== undefined ? motiveOf(killer) : [];
      case "where": {
        const { subject } = query;
        if (subject.type === "piece") return place(subject.piece, query.time);
        return holdersOf(subject.motive).flatMap((fact) => [
          fact,
          ...place(fact.suspect, query.time),
        ]);
      }
      case "holder":
        return holdersOf(query.motive);
      case "motive-of":
        return motiveOf(query.suspect);
      default:
        return query satisfies never;
    }
  };
  const lines = [crime, ...queries.map(about)];
  return lines.filter((line) => line.length > 0);
}
