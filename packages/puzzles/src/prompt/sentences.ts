import type { Style } from "./style.js";

/**
 * The sentence templates of prompts, for writing and for parsing. The placeholders in braces are:
 *
 * - `subject`, `piece` a suspect, Mr. Boddy, "the Rope"; a subject also "the murderer" and the
 *   like. In upper case at the start of a sentence.
 * - `carried` "the Rope" or "the murder weapon"
 * - `in` the preposition of the room after it
 * - `when` " at 11:45 PM", or empty in a case with one time; `before` the time before `time`
 * - `a` the article of a motive: "the" when one suspect has it, "a" otherwise
 * - `first`, `second` statements of the form `at`
 */
export type SentenceForm =
  | "murdered-by"
  | "murdered-with"
  | "murdered-in"
  | "murdered-when"
  | "murdered-why"
  | "at"
  | "motive"
  | "either"
  | "iff"
  | "same-room"
  | "together"
  | "move"
  | "move-plural"
  | "weapon-move"
  | "weapon-move-plural"
  | "beside";

/** The forms of questions. */
export type QuestionForm =
  | "ask-murderer"
  | "ask-weapon"
  | "ask-room"
  | "ask-time"
  | "ask-motive"
  | "ask-where"
  | "ask-holder"
  | "ask-motive-of";

/** The templates of a style. */
export type Templates = Readonly<Record<SentenceForm | QuestionForm, string>>;

// The plural forms of the public set are stronger than its rules: they state that one suspect did
// both.
const DATASET: Templates = {
  "murdered-by": "Mr. Boddy was murdered by {suspect}",
  "murdered-with": "Mr. Boddy was killed with the {weapon}",
  "murdered-in": "Mr. Boddy was murdered in the {room}",
  "murdered-when": "Mr. Boddy was murdered at {time}",
  "murdered-why": "Mr. Boddy was murdered by {a} suspect motivated by {motive}",
  at: "{Subject} was {in} the {room}{when}",
  motive: "{suspect} is motivated by {motive}",
  either: "{First} or {second}",
  iff: "{First} if and only if {second}",
  "same-room": "{Subject} was in the same room as {piece}{when}",
  together: "{Subject} and {piece} were {in} the {room} together at least once",
  move: "{Subject} moved from the {from} to the {to} at {time}",
  "move-plural": "{Subject} moved from the {from} to the {to} at {time}",
  "weapon-move": "{Subject} moved {carried} from the {from} to the {to} at {time}",
  "weapon-move-plural": "{Subject} moved {carried} from the {from} to the {to} at {time}",
  beside: "{Piece} was in the room just {direction} of {other}{when}",
  "ask-murderer": "Who murdered Mr. Boddy?",
  "ask-weapon": "What weapon did the murderer use?",
  "ask-room": "Where was the murder committed?",
  "ask-time": "When did the murder occur?",
  "ask-motive": "Why did the murderer do it?",
  "ask-where": "Where was {subject}{when}?",
  "ask-holder": "Who is motivated by {motive}?",
  "ask-motive-of": "What motivates {suspect}?",
};

const CLEAR: Templates = {
  "murdered-by": "{suspect} killed Mr. Boddy.",
  "murdered-with": "Mr. Boddy was killed with the {weapon}.",
  "murdered-in": "Mr. Boddy was killed {in} the {room}.",
  "murdered-when": "Mr. Boddy was killed at {time}.",
  "murdered-why": "Mr. Boddy was killed by {a} suspect motivated by {motive}.",
  at: "{Subject} was {in} the {room}{when}.",
  motive: "{suspect} was motivated by {motive}.",
  either: "Either {first} or {second}, but not both.",
  iff: "{First} if and only if {second}.",
  "same-room": "{Subject} was in the same room as {piece}{when}.",
  together: "{Subject} and {piece} were together {in} the {room} at least once.",
  move: "{Subject} moved from the {from} to the {to}, arriving at {time}.",
  "move-plural":
    "Somebody motivated by {motive} was {inFrom} the {from} at {before}, " +
    "and somebody with that motive was {inTo} the {to} at {time}.",
  "weapon-move": "{Subject} took {carried} from the {from} to the {to}, arriving at {time}.",
  "weapon-move-plural":
    "Somebody motivated by {motive} was with {carried} {inFrom} the {from} at {before}, " +
    "and somebody with that motive was with it {inTo} the {to} at {time}.",
  beside: "{Piece} was one room {direction} of {other}{when}.",
  "ask-murderer": "Who killed Mr. Boddy?",
  "ask-weapon": "What was the murder weapon?",
  "ask-room": "Where was he killed?",
  "ask-time": "When was he killed?",
  "ask-motive": "Why was he killed?",
  "ask-where": "Where was {subject}{when}?",
  "ask-holder": "Who was motivated by {motive}?",
  "ask-motive-of": "What motivated {suspect}?",
};

/** The templates by style. */
export const TEMPLATES: Readonly<Record<Style, Templates>> = { clear: CLEAR, dataset: DATASET };

/** Fills in the placeholders of a template. */
export function fill(template: string, words: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const lower = words[name];
    if (lower !== undefined) return lower;
    // {Subject} is {subject} at the start of a sentence.
    return capitalise(words[name.charAt(0).toLowerCase() + name.slice(1)] ?? "");
  });
}

/** Returns a text with a capital first letter. */
function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
