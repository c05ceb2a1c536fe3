import { goldReply } from "../grading/replies.js";
import { parsePrompt } from "../prompt/parse-prompt.js";
import { Phrases } from "../prompt/phrases.js";
import { type Plot } from "../prompt/plot.js";
import { TEMPLATES } from "../prompt/sentences.js";
import { type Style } from "../prompt/style.js";
import { deduce, type Step } from "./deduce.js";
import { type Fact } from "./fact.js";

/**
 * Writes a deduction, one line per step: its clues, an arrow, and the facts that follow. A line of
 * a proof by contradiction says that the contrary was assumed.
 *
 * @param form  `full` for all facts, `short` for those that a small model needs: where everything
 *   was, motives and the time, in the order of their derivation; and exclusions only in steps that
 *   find nothing else. Who, with what and where then follow from the places.
 */
export function writeTrace(
  { setting, clues }: Pick<Plot, "setting" | "clues">,
  style: Style,
  form: "full" | "short" = "full",
): string {
  const phrases = new Phrases(setting, TEMPLATES[style]);
  const sentence = (fact: Fact) => {
    const text = withoutStop(phrases.clue(fact.statement));
    return fact.holds ? text : negate(text);
  };
  const line = ({ clues: indices, facts, hard }: Step) => {
    const sources = indices.flatMap((index) => {
      const clue = clues[index];
      return clue === undefined ? [] : [withoutStop(phrases.clue(clue))];
    });
    const because = sources.length === 0 ? "The rules" : sources.join(" + ");
    // Do not repeat a clue that itself states the fact.
    const shown = (form === "short" ? shorten(facts) : facts)
      .map(sentence)
      .filter((text) => !sources.includes(text));
    const arrow = shown.length === 0 ? "" : ` -> ${shown.join("; ")}`;
    return `${hard ? "Supposing the contrary: " : ""}${because}${arrow}`;
  };
  const { steps } = deduce(setting, clues, form === "short" ? "plainest" : "listed");
  return steps.map(line).join("\n");
}

/**
 * Writes a reply that reasons before it answers: the short deduction of {@link writeTrace} as a list, a
 * blank line, the answers. No line of the list reads like an answer, so graders read past it.
 *
 * @throws PromptError when a line of the prompt cannot be parsed
 */
export function tracedReply({
  prompt,
  solution,
}: {
  prompt: string;
  solution: Readonly<Record<string, string>>;
}): string {
  const parsed = parsePrompt(prompt);
  const steps = writeTrace(parsed, parsed.style, "short")
    .split("\n")
    .map((step) => `- ${step}`);
  return `${steps.join("\n")}\n\n${goldReply(solution)}`;
}

function shorten(facts: readonly Fact[]): Fact[] {
  const places = facts.filter(
    ({ statement }) => statement.type !== "solution" || statement.part === "time",
  );
  const positive = places.filter(({ holds }) => holds);
  return positive.length > 0 ? positive : places;
}

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}

function negate(sentence: string): string {
  return sentence.includes(" killed Mr. Boddy")
    ? sentence.replace(" killed Mr. Boddy", " did not kill Mr. Boddy")
    : sentence.replace(/ (was|is) /, " $1 not ");
}
