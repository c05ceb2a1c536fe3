import { PromptError } from "../errors.js";
import type { Setting } from "../scenario/setting.js";
import { Lexicon } from "./lexicon.js";
import { type MatchedWords, templateMatcher } from "./match-template.js";
import type { Query } from "./plot.js";
import type { QuestionForm, Templates } from "./sentences.js";

const FORMS: readonly QuestionForm[] = [
  "ask-murderer",
  "ask-weapon",
  "ask-room",
  "ask-time",
  "ask-motive",
  "ask-where",
  "ask-holder",
  "ask-motive-of",
];

/** Parses the questions of a setting from sentences of a style. */
export class QuestionReader {
  readonly #lexicon: Lexicon;
  readonly #matchers: [QuestionForm, (sentence: string) => MatchedWords | null][];

  constructor(setting: Setting, templates: Templates) {
    this.#lexicon = new Lexicon(setting);
    this.#matchers = FORMS.map((form) => [form, templateMatcher(templates[form])]);
  }

  /**
   * Parses a question.
   *
   * @throws PromptError when it has no known form, or names something that is not listed
   */
  read(text: string): Query {
    for (const [form, match] of this.#matchers) {
      const words = match(text);
      const query = words === null ? null : this.#query(form, words);
      if (query !== null) return query;
    }
    throw new PromptError(text, "a question of no known form, or of names that are not listed");
  }

  #query(form: QuestionForm, words: MatchedWords): Query | null {
    switch (form) {
      case "ask-murderer":
        return { type: "main", part: "murderer" };
      case "ask-weapon":
        return { type: "main", part: "weapon" };
      case "ask-room":
        return { type: "main", part: "room" };
      case "ask-time":
        return { type: "main", part: "time" };
      case "ask-motive":
        return { type: "main", part: "motive" };
      case "ask-where": {
        const subject = this.#lexicon.subject(words["subject"] ?? "");
        const time = this.#lexicon.when(words["when"] ?? "");
        if (subject === null || time === null) return null;
        if (subject.type !== "piece" && subject.type !== "motive") return null;
        return { type: "where", subject, time };
      }
      case "ask-holder": {
        const motive = this.#lexicon.motive(words["motive"] ?? "");
        return motive === null ? null : { type: "holder", motive };
      }
      case "ask-motive-of": {
        const suspect = this.#lexicon.suspect(words["suspect"] ?? "");
        return suspect === null ? null : { type: "motive-of", suspect };
      }
      default:
        return form satisfies never;
    }
  }
}
