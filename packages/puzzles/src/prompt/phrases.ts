import type { AtClue, Clue, Subject } from "../clues/clue.js";
import { preposition } from "../names.js";
import { isShared, pieceName, pieceRole, type Setting } from "../scenario/setting.js";
import type { Query } from "./plot.js";
import { fill, type QuestionForm, type SentenceForm, type Templates } from "./sentences.js";

/** Writes the clues and questions of a setting in the sentences of a style. */
export class Phrases {
  readonly #setting: Setting;
  readonly #templates: Templates;

  constructor(setting: Setting, templates: Templates) {
    this.#setting = setting;
    this.#templates = templates;
  }

  /** Writes a clue as a sentence. */
  clue(clue: Clue): string {
    const [form, words] = this.#clueWords(clue);
    return fill(this.#templates[form], words);
  }

  /** Writes a question. */
  question(query: Query): string {
    const { motives, suspects } = this.#setting;
    const ask = (form: QuestionForm, words: Words = {}) => fill(this.#templates[form], words);
    switch (query.type) {
      case "main":
        return ask(`ask-${query.part}`);
      case "where":
        return ask("ask-where", {
          subject: this.#subject(query.subject),
          when: this.#when(query.time),
        });
      case "holder":
        return ask("ask-holder", { motive: motives[query.motive] ?? "" });
      case "motive-of":
        return ask("ask-motive-of", { suspect: suspects[query.suspect] ?? "" });
      default:
        return query satisfies never;
    }
  }

  #clueWords(clue: Clue): [SentenceForm, Words] {
    switch (clue.type) {
      case "solution":
        return this.#solutionWords(clue.part, clue.value);
      case "at":
        return ["at", this.#atWords(clue)];
      case "motive": {
        const suspect = this.#setting.suspects[clue.suspect] ?? "";
        return ["motive", { suspect, motive: this.#setting.motives[clue.motive] ?? "" }];
      }
      case "either":
      case "iff":
        return [
          clue.type,
          { first: this.#statement(clue.first), second: this.#statement(clue.second) },
        ];
      case "same-room": {
        const { subject, piece, time } = clue;
        const words = { subject: this.#subject(subject), piece: this.#piece(piece) };
        return ["same-room", { ...words, when: this.#when(time) }];
      }
      case "together": {
        const words = { subject: this.#subject(clue.subject), piece: this.#piece(clue.piece) };
        return ["together", { ...words, ...this.#room(clue.room) }];
      }
      case "move":
      case "weapon-move":
        return this.#moveWords(clue);
      case "beside": {
        const { direction, time } = clue;
        const words = { piece: this.#piece(clue.piece), other: this.#piece(clue.other) };
        return ["beside", { ...words, direction, when: this.#when(time) }];
      }
      default:
        return clue satisfies never;
    }
  }

  #solutionWords(part: string, value: number): [SentenceForm, Words] {
    const { suspects, weapons, times, motives } = this.#setting;
    switch (part) {
      case "murderer":
        return ["murdered-by", { suspect: suspects[value] ?? "" }];
      case "weapon":
        return ["murdered-with", { weapon: weapons[value] ?? "" }];
      case "room":
        return ["murdered-in", this.#room(value)];
      case "time":
        return ["murdered-when", { time: times[value] ?? "" }];
      default:
        return ["murdered-why", { a: this.#article(value), motive: motives[value] ?? "" }];
    }
  }

  #moveWords(clue: Extract<Clue, { type: "move" | "weapon-move" }>): [SentenceForm, Words] {
    const { rooms, times, motives } = this.#setting;
    const { subject, time } = clue;
    const from = rooms[clue.from] ?? "";
    const to = rooms[clue.to] ?? "";
    const weapon = clue.type === "weapon-move" ? clue.weapon : null;
    const words = {
      subject: this.#subject(subject),
      carried: weapon === null ? "the murder weapon" : `the ${this.#setting.weapons[weapon]}`,
      from,
      to,
      time: times[time] ?? "",
      before: times[time - 1] ?? "",
      inFrom: preposition(from),
      inTo: preposition(to),
      motive: subject.type === "motive" ? (motives[subject.motive] ?? "") : "",
    };
    const plural = subject.type === "motive" && isShared(this.#setting, subject.motive);
    return [plural ? `${clue.type}-plural` : clue.type, words];
  }

  #statement(clue: AtClue): string {
    const text = fill(this.#templates.at, this.#atWords(clue)).replace(/\.$/, "");
    return /^(?:The|A) /.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
  }

  #atWords({ subject, room, time }: AtClue): Words {
    return { subject: this.#subject(subject), ...this.#room(room), when: this.#when(time) };
  }

  #subject(subject: Subject): string {
    switch (subject.type) {
      case "piece":
        return this.#piece(subject.piece);
      case "murderer":
        return "the murderer";
      case "murder-weapon":
        return "the murder weapon";
      case "motive":
        return `${this.#article(subject.motive)} suspect motivated by ${this.#setting.motives[subject.motive]}`;
      default:
        return subject satisfies never;
    }
  }

  #article(motive: number): string {
    return isShared(this.#setting, motive) ? "a" : "the";
  }

  #piece(piece: number): string {
    const name = pieceName(this.#setting, piece);
    return pieceRole(this.#setting, piece).type === "weapon" ? `the ${name}` : name;
  }

  #room(room: number): Words {
    const name = this.#setting.rooms[room] ?? "";
    return { room: name, in: preposition(name) };
  }

  #when(time: number): string {
    return this.#setting.times.length > 1 ? ` at ${this.#setting.times[time]}` : "";
  }
}

type Words = Record<string, string>;
