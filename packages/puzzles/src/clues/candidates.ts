import type { Rng } from "@gumshoe/core";

import type { Scenario } from "../scenario/scenario.js";
import { atStream } from "./at-stream.js";
import type { AtClue, Clue, ClueType, MotiveClue, SolutionClue } from "./clue.js";
import type { ClueRules } from "./clue-rules.js";
import { besideClues, meetingClues } from "./meeting-clues.js";
import { moveClues, weaponMoveClues } from "./move-clues.js";

/** The candidate clues of a scenario. All of them together determine what happened. */
export interface Candidates {
  clues: Clue[];
  /** The plain statements among them, the basis of bonus questions. */
  statements: (AtClue | MotiveClue)[];
}

/**
 * Draws a scenario's candidate clues, with a third as many of each indirect type as direct ones.
 */
export function drawCandidates(rng: Rng, scenario: Scenario, rules: ClueRules): Candidates {
  const { veiled } = rules;
  const solution = solutionClues(scenario);
  const at = atStream(rng, scenario, { truthful: true, veiled });
  const motives = motiveClues(scenario);
  const count = 2 * roundHalfToEven((solution.length + at.length + motives.length) / 6);
  const offered = (type: ClueType) => rules.types.includes(type);
  const clues: Clue[] = [...solution, ...at, ...motives];
  if (offered("either")) clues.push(...eitherClues(rng, scenario, count, veiled));
  if (offered("iff")) clues.push(...iffClues(rng, scenario, count, veiled));
  if (offered("same-room") || offered("together")) {
    clues.push(...meetingClues(rng, scenario, count, rules));
  }
  if (offered("move")) clues.push(...moveClues(rng, scenario, count, veiled));
  if (offered("weapon-move")) clues.push(...weaponMoveClues(scenario, veiled));
  if (offered("beside")) clues.push(...besideClues(rng, scenario, count, rules.directions));
  return { clues, statements: [...at, ...motives] };
}

function solutionClues({ setting, truth }: Scenario): SolutionClue[] {
  const { murder, motiveOf } = truth;
  const clue = (part: SolutionClue["part"], value: number): SolutionClue => {
    return { type: "solution", part, value };
  };
  const motive = motiveOf[murder.suspect];
  return [
    clue("murderer", murder.suspect),
    clue("weapon", murder.weapon),
    clue("room", murder.room),
    ...(setting.times.length > 1 ? [clue("time", murder.time)] : []),
    ...(motive !== undefined ? [clue("motive", motive)] : []),
  ];
}

function motiveClues({ truth }: Scenario): MotiveClue[] {
  return truth.motiveOf.map((motive, suspect) => ({ type: "motive", suspect, motive }));
}

/** Generates pairs of a true and a false statement, in either order. */
function eitherClues(rng: Rng, scenario: Scenario, count: number, veiled: boolean): Clue[] {
  const draw = (truthful: boolean) =>
    rng.shuffle(atStream(rng, scenario, { truthful, veiled }).slice(0, count));
  const right = draw(true);
  const wrong = draw(false);
  return right.slice(0, wrong.length).map((first, index): Clue => {
    const second = wrong[index] as AtClue;
    return rng.chance(0.5)
      ? { type: "either", first, second }
      : { type: "either", first: second, second: first };
  });
}

/** Generates pairs of two true or two false statements. */
function iffClues(rng: Rng, scenario: Scenario, count: number, veiled: boolean): Clue[] {
  const half = roundHalfToEven(count / 2);
  const pairs = (truthful: boolean): Clue[] => {
    const draw = () => rng.shuffle(atStream(rng, scenario, { truthful, veiled }).slice(0, count));
    const firsts = draw();
    const seconds = draw();
    return firsts
      .map((first, index): Clue | null => {
        const second = seconds[index];
        return second === undefined || sameStatement(first, second)
          ? null
          : { type: "iff", first, second };
      })
      .filter((clue) => clue !== null)
      .slice(0, half);
  };
  return rng.shuffle([...pairs(true), ...pairs(false)]);
}

/** "A if and only if A" carries no information. */
function sameStatement(a: AtClue, b: AtClue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
