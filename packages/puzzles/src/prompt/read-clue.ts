import type { AtClue, Clue } from "../clues/clue.js";
import { PromptError } from "../errors.js";
import { DIRECTIONS } from "../scenario/board.js";
import { pieceRole, type Setting } from "../scenario/setting.js";
import { Lexicon } from "./lexicon.js";
import { type MatchedWords, templateMatcher } from "./match-template.js";
import type { SentenceForm, Templates } from "./sentences.js";

/** Parses the clues of a setting from sentences of a style. */
export class ClueReader {
  readonly #setting: Setting;
  readonly #lexicon: Lexicon;
  readonly #matchers: [SentenceForm, (sentence: string) => MatchedWords | null][];

  constructor(setting: Setting, templates: Templates) {
    this.#setting = setting;
    this.#lexicon = new Lexicon(setting);
    this.#matchers = FORMS.map((form) => [form, templateMatcher(templates[form])]);
  }

  /**
   * Parses a clue.
   *
   * @throws PromptError when the sentence has no known form, or names something that is not listed
   */
  read(sentence: string): Clue {
    for (const [form, match] of this.#matchers) {
      const words = match(sentence);
      const clue = words === null ? null : this.#clue(form, words);
      if (clue !== null) return clue;
    }
    throw new PromptError(sentence, "a clue of no known form, or of names that are not listed");
  }

  #clue(form: SentenceForm, words: MatchedWords): Clue | null {
    switch (form) {
      case "murdered-by":
      case "murdered-with":
      case "murdered-in":
      case "murdered-when":
      case "murdered-why":
        return this.#solution(form, words);
      case "at":
        return this.#at(words);
      case "motive":
        return complete({
          type: "motive",
          suspect: this.#lexicon.suspect(words["suspect"] ?? ""),
          motive: this.#lexicon.motive(words["motive"] ?? ""),
        });
      case "either":
      case "iff":
        return complete({
          type: form,
          first: this.#statement(words["first"] ?? ""),
          second: this.#statement(words["second"] ?? ""),
        });
      case "same-room":
      case "together":
        return this.#meeting(form, words);
      case "move":
      case "move-plural":
      case "weapon-move":
      case "weapon-move-plural":
        return this.#move(words);
      case "beside":
        return complete({
          type: "beside",
          piece: this.#lexicon.piece(words["piece"] ?? ""),
          other: this.#lexicon.piece(words["other"] ?? ""),
          direction: DIRECTIONS.find((direction) => direction === words["direction"]) ?? null,
          time: this.#lexicon.when(words["when"] ?? ""),
        });
      default:
        return form satisfies never;
    }
  }

  #solution(form: SentenceForm, words: MatchedWords): Clue | null {
    const clue = (part: "murderer" | "weapon" | "room" | "time" | "motive", value: number | null) =>
      complete({ type: "solution", part, value } as const);
    const { suspect = "", weapon = "", room = "", time = "", motive = "" } = words;
    if (form === "murdered-by") return clue("murderer", this.#lexicon.suspect(suspect));
    if (form === "murdered-with") return clue("weapon", this.#lexicon.weapon(weapon));
    if (form === "murdered-in") return clue("room", this.#lexicon.room(room));
    if (form === "murdered-when") return clue("time", this.#lexicon.time(time));
    return clue("motive", this.#lexicon.motive(motive));
  }

  #at(words: MatchedWords): AtClue | null {
    return complete({
      type: "at",
      subject: this.#lexicon.subject(words["subject"] ?? ""),
      room: this.#lexicon.room(words["room"] ?? ""),
      time: this.#lexicon.when(words["when"] ?? ""),
    });
  }

  /** Parses a statement within a sentence: without full stop and capital letter. */
  #statement(text: string): AtClue | null {
    const match = this.#matchers.find(([form]) => form === "at")?.[1];
    const words = match?.(text) ?? match?.(`${text}.`);
    return words === null || words === undefined ? null : this.#at(words);
  }

  #meeting(form: "same-room" | "together", words: MatchedWords): Clue | null {
    const subject = this.#lexicon.subject(words["subject"] ?? "");
    const piece = this.#lexicon.piece(words["piece"] ?? "");
    if (form === "together") {
      return complete({
        type: form,
        subject,
        piece,
        room: this.#lexicon.room(words["room"] ?? ""),
      });
    }
    return complete({ type: form, subject, piece, time: this.#lexicon.when(words["when"] ?? "") });
  }

  #move(words: MatchedWords): Clue | null {
    const { subject: phrase = "", motive = "", carried: load } = words;
    const holder = this.#lexicon.motive(motive);
    const subject =
      holder === null
        ? this.#lexicon.subject(phrase)
        : ({ type: "motive", motive: holder } as const);
    const time = this.#lexicon.time(words["time"] ?? "");
    const route = {
      from: this.#lexicon.room(words["from"] ?? ""),
      to: this.#lexicon.room(words["to"] ?? ""),
      // An arrival at the first time is impossible.
      time: time === 0 ? null : time,
    };
    if (load === undefined) return complete({ type: "move", subject, ...route });
    const carried = this.#lexicon.subject(load);
    if (carried?.type === "murder-weapon") {
      const clue = complete({ subject, ...route });
      return clue === null ? null : { type: "weapon-move", ...clue, weapon: null };
    }
    const role = carried?.type === "piece" ? pieceRole(this.#setting, carried.piece) : null;
    const weapon = role?.type === "weapon" ? role.weapon : null;
    return complete({ type: "weapon-move", subject, weapon, ...route });
  }
}

/** All forms; pairs of statements last, since they contain sentences of other forms. */
const FORMS: readonly SentenceForm[] = [
  "murdered-by",
  "murdered-with",
  "murdered-in",
  "murdered-when",
  "murdered-why",
  "at",
  "motive",
  "same-room",
  "together",
  "move",
  "move-plural",
  "weapon-move",
  "weapon-move-plural",
  "beside",
  "either",
  "iff",
];

/** Returns the object if none of its fields is null, otherwise null. */
function complete<T extends object>(fields: T): { [K in keyof T]: NonNullable<T[K]> } | null {
  return Object.values(fields).includes(null)
    ? null
    : (fields as { [K in keyof T]: NonNullable<T[K]> });
}
