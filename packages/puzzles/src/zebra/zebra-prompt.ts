import type { Rng } from "@gumshoe/core";

import { letterOf } from "../prompt/letters.js";
import type { Row } from "./row.js";
import type { Value, ZebraClue } from "./zebra-clue.js";

/** A question as text, and its answer. */
interface ZebraQuestion {
  readonly text: string;
  readonly answer: string;
}

/**
 * Words a puzzle: the row, its clues, and one question more than there are houses.
 *
 * A question whose answer is stated by a clue is used only when no others remain.
 */
export function writeZebra(
  rng: Rng,
  row: Row,
  clues: readonly ZebraClue[],
): { prompt: string; solution: Record<string, string> } {
  const [told, hidden] = listQuestions(row, clues);
  const count = row.numHouses + 1;
  const asked = [...rng.shuffle(hidden), ...rng.shuffle(told)].slice(0, count);
  const blocks = [
    describeRow(row),
    ["Clues:", ...clues.map((clue) => `- ${sentence(row, clue)}`)].join("\n"),
    asked.map(({ text }, index) => `${letterOf(index)}. ${text}`).join("\n"),
    'Answer in lines like "A. Name".',
  ];
  const answers = asked.map(({ answer }, index) => [letterOf(index), answer]);
  return {
    prompt: blocks.join("\n\n"),
    solution: Object.fromEntries(answers) as Record<string, string>,
  };
}

function describeRow({ numHouses, attributes }: Row): string {
  return [
    `There are ${numHouses} houses in a row, numbered 1 to ${numHouses} from left to right.`,
    "One person lives in each. Everything listed here belongs to exactly one of them:",
    ...attributes.map(({ heading, values }) => `${heading}: ${values.join(", ")}`),
  ].join("\n");
}

function sentence(row: Row, clue: ZebraClue): string {
  const a = capitalised(person(row, clue.a));
  switch (clue.rule) {
    case "in-house":
      return `${a} lives in house ${clue.house + 1}.`;
    case "not-in-house":
      return `${a} does not live in house ${clue.house + 1}.`;
    case "at-end":
      return `${a} lives in the first or the last house.`;
    case "same":
      return `${a} ${attributeOf(row, clue.b).has(nameOf(row, clue.b))}.`;
    case "different":
      return `${a} ${attributeOf(row, clue.b).hasNot(nameOf(row, clue.b))}.`;
    case "beside":
      return `${a} lives next door to ${person(row, clue.b)}.`;
    case "directly-left":
      return `${a} lives directly to the left of ${person(row, clue.b)}.`;
    case "left":
      return `${a} lives somewhere to the left of ${person(row, clue.b)}.`;
    case "one-between":
      return `There is exactly one house between ${person(row, clue.a)} and ${person(row, clue.b)}.`;
    default:
      return clue satisfies never;
  }
}

/** Lists the possible questions: first those whose answer a clue states, then the others. */
function listQuestions(row: Row, clues: readonly ZebraClue[]): [ZebraQuestion[], ZebraQuestion[]] {
  const { numHouses, attributes, houseOf } = row;
  const told: ZebraQuestion[] = [];
  const hidden: ZebraQuestion[] = [];
  const [residents = []] = houseOf;
  for (const [resident, house] of residents.entries()) {
    const name = nameOf(row, { attribute: 0, value: resident });
    const isTold = clues.some((c) => c.rule === "in-house" && isValue(c.a, 0, resident));
    (isTold ? told : hidden).push({ text: `Who lives in house ${house + 1}?`, answer: name });
    for (let index = 1; index < attributes.length; index++) {
      const value = Array.from({ length: numHouses }, (_, v) => v).find(
        (v) => houseOf[index]?.[v] === house,
      ) as number;
      const answer = nameOf(row, { attribute: index, value });
      const text = attributes[index]?.ask(name) ?? "";
      const isSaid = clues.some(
        (c) => c.rule === "same" && isValue(c.a, 0, resident) && isValue(c.b, index, value),
      );
      (isSaid ? told : hidden).push({ text, answer });
    }
  }
  return [told, hidden];
}

function isValue(one: Value, attribute: number, value: number): boolean {
  return one.attribute === attribute && one.value === value;
}

function attributeOf({ attributes }: Row, { attribute }: Value) {
  const found = attributes[attribute];
  if (found === undefined) throw new RangeError(`there is no attribute ${attribute}`);
  return found;
}

function nameOf(row: Row, value: Value): string {
  return attributeOf(row, value).values[value.value] ?? "";
}

/** Returns a phrase for a resident by one value: "Ada", or "the one who drinks tea". */
function person(row: Row, value: Value): string {
  const name = nameOf(row, value);
  return value.attribute === 0 ? name : `the one who ${attributeOf(row, value).has(name)}`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
