import type { Rng } from "@gumshoe/core";

import type { AtClue, Clue, MotiveClue, SolutionPart } from "../clues/clue.js";
import type { Scenario } from "../scenario/scenario.js";
import { isShared, pieceRole, type Setting } from "../scenario/setting.js";
import type { Query } from "./plot.js";

/** How a tier's questions are chosen. */
export interface QuestionRules {
  /** Fewest questions, main and bonus together; `bonus: "few"` may give fewer. */
  min: number;
  /** Most questions. */
  max: number;
  /**
   * `few`: a statement is drawn for each remaining slot, and slots whose statement is also a clue
   * stay empty, as in the public set. `any`: a random number of remaining slots is filled, also
   * with answers that a clue gives away.
   */
  bonus: "few" | "any";
}

const PARTS: readonly SolutionPart[] = ["murderer", "weapon", "room", "time", "motive"];

/**
 * Chooses the questions: parts of the crime that no clue states, then statements turned into
 * questions.
 */
export function drawQueries(
  rng: Rng,
  { setting }: Scenario,
  clues: { kept: readonly Clue[]; statements: readonly (AtClue | MotiveClue)[] },
  rules: QuestionRules,
): Query[] {
  const told = new Set(clues.kept.map((clue) => (clue.type === "solution" ? clue.part : null)));
  const main = PARTS.filter((part) => !told.has(part) && plays(setting, part)).map(
    (part): Query => ({ type: "main", part }),
  );
  const free = Math.max(0, rules.max - main.length);
  const keptSet = new Set<Clue>(clues.kept);
  const bonus: Query[] = [];
  const take =
    rules.bonus === "few" ? free : rng.between(Math.max(0, rules.min - main.length), free);
  let drawn = 0;
  for (const statement of rng.shuffle(clues.statements)) {
    if (drawn >= take) break;
    const query =
      keptSet.has(statement) && rules.bonus === "few" ? null : turn(rng, setting, statement);
    const isNew = query !== null && !bonus.some((other) => sameQuery(other, query));
    if (isNew) bonus.push(query);
    // In the public set a statement that cannot be used takes up a slot, too.
    if (isNew || rules.bonus === "few") drawn++;
  }
  return [...main, ...bonus];
}

function plays({ times, motives }: Setting, part: SolutionPart): boolean {
  if (part === "time") return times.length > 1;
  return part !== "motive" || motives.length > 1;
}

/** Turns a statement into a question; null if the question would not be fair. */
function turn(rng: Rng, setting: Setting, statement: AtClue | MotiveClue): Query | null {
  if (statement.type === "motive") {
    const { suspect, motive } = statement;
    const askHolder = !isShared(setting, motive) && rng.chance(0.5);
    return askHolder ? { type: "holder", motive } : { type: "motive-of", suspect };
  }
  const { subject, time } = statement;
  if (subject.type === "motive") {
    return isShared(setting, subject.motive) ? null : { type: "where", subject, time };
  }
  if (subject.type !== "piece") return null;
  return pieceRole(setting, subject.piece).type === "victim"
    ? null
    : { type: "where", subject, time };
}

function sameQuery(a: Query, b: Query): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
