import type { Subject } from "../clues/clue.js";
import { VICTIM } from "../names.js";
import { type Setting, weaponPiece } from "../scenario/setting.js";

/** Parses the names and phrases of a prompt; the inverse of `Phrases`. */
export class Lexicon {
  readonly #setting: Setting;
  readonly #subjects = new Map<string, Subject>();

  constructor(setting: Setting) {
    this.#setting = setting;
    const { suspects, weapons, motives } = setting;
    const piece = (index: number): Subject => ({ type: "piece", piece: index });
    suspects.forEach((name, suspect) => this.#subjects.set(name, piece(suspect)));
    this.#subjects.set(VICTIM, piece(suspects.length));
    weapons.forEach((name, weapon) => {
      this.#subjects.set(`the ${name}`, piece(weaponPiece(setting, weapon)));
    });
    this.#subjects.set("the murderer", { type: "murderer" });
    this.#subjects.set("the murder weapon", { type: "murder-weapon" });
    motives.forEach((name, motive) => {
      for (const article of ["the", "a"]) {
        this.#subjects.set(`${article} suspect motivated by ${name}`, { type: "motive", motive });
      }
    });
  }

  /** Parses "the Rope", "The murderer", "Mrs. White"; null for anything else. */
  subject(phrase: string): Subject | null {
    return (
      this.#subjects.get(phrase.replace(/^(?:The|A) /, (article) => article.toLowerCase())) ?? null
    );
  }

  /** Parses a phrase that names a piece. */
  piece(phrase: string): number | null {
    const subject = this.subject(phrase);
    return subject?.type === "piece" ? subject.piece : null;
  }

  suspect(name: string): number | null {
    return indexOf(this.#setting.suspects, name);
  }

  /** Parses the name of a weapon, without article. */
  weapon(name: string): number | null {
    return indexOf(this.#setting.weapons, name);
  }

  room(name: string): number | null {
    return indexOf(this.#setting.rooms, name);
  }

  motive(name: string): number | null {
    return indexOf(this.#setting.motives, name);
  }

  /** Parses a time of the night. */
  time(label: string): number | null {
    return indexOf(this.#setting.times, label);
  }

  /** Parses " at 11:45 PM"; an empty text is the only time of a case with one. */
  when(phrase: string): number | null {
    if (phrase === "") return this.#setting.times.length === 1 ? 0 : null;
    return this.time(phrase.replace(/^ at /, ""));
  }
}

function indexOf(names: readonly string[], name: string): number | null {
  const index = names.indexOf(name);
  return index < 0 ? null : index;
}
