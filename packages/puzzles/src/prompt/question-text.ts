import { TEMPLATES } from "./sentences.js";
import { STYLES } from "./style.js";

const MAIN_TEXTS: ReadonlySet<string> = new Set(
  STYLES.flatMap((style) => {
    const texts = TEMPLATES[style];
    return [
      texts["ask-murderer"],
      texts["ask-weapon"],
      texts["ask-room"],
      texts["ask-time"],
      texts["ask-motive"],
    ];
  }),
);

const BONUS_TEXT = /^(?:Where was .*|Who (?:is|was) motivated by .*|What motivate[sd] .*)\?$/;

/** Returns whether a question asks about the crime itself; an unknown wording counts as such. */
export function isMainQuestion(text: string): boolean {
  return MAIN_TEXTS.has(text) || !BONUS_TEXT.test(text);
}
