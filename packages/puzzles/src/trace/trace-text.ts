import { goldReply } from "../grading/replies.js";
import { parsePrompt } from "../prompt/parse-prompt.js";
import { Phrases } from "../prompt/phrases.js";
import type { Plot } from "../prompt/plot.js";
import { TEMPLATES } from "../prompt/sentences.js";
import type { Style } from "../prompt/style.js";
import { drain, type Search } from "../search.js";
import { conclusionsOf } from "./conclusions.js";
import { deduce, searchDeduction, type Step } from "./deduce.js";
import type { Fact } from "./fact.js";

/** Stands between clues and the facts that follow from them. */
const ARROW = " -> ";

/**
 * Writes a deduction, one line per step: its clues, an arrow, and the facts that follow. A line of
 * a proof by contradiction says that the contrary was assumed.
 */
export function writeTrace(
  { setting, clues }: Pick<Plot, "setting" | "clues">,
  style: Style,
): string {
  const write = writeStep({ setting, clues }, style);
  return deduce(setting, clues)
    .steps.map((step) => write(step, step.facts))
    .join("\n");
}

/**
 * Writes a reply that reasons before it answers: a short deduction and its conclusions as a list, a
 * blank line, the answers. No line of the list reads like an answer, so graders read past it.
 *
 * The deduction is made for small models: plain clues come first, and a line has only the places,
 * motives and times that follow, in the order of their derivation. It has exclusions only where
 * nothing else follows. The conclusions are those of {@link conclusionsOf}.
 *
 * @throws PromptError when a line of the prompt cannot be parsed
 */
export function tracedReply(task: Traceable, options?: TracedReplyOptions): string {
  return drain(searchTracedReply(task, options));
}

/** The length of a reply that reasons. */
export interface TracedReplyOptions {
  /**
   * Most lines of the deduction before its conclusions. Lines that only repeat a clue are left out then, and those
   * after the last are cut off; the conclusions are those that the deduction has reached. Default: no limit.
   */
  readonly maxLines?: number | undefined;
}

/** What a reply that reasons is made from. */
interface Traceable {
  readonly prompt: string;
  readonly solution: Readonly<Record<string, string>>;
}

/** Writes the same reply as {@link tracedReply}, yielding between attempts. @throws PromptError */
export function* searchTracedReply(
  { prompt, solution }: Traceable,
  { maxLines }: TracedReplyOptions = {},
): Search<string> {
  const parsed = parsePrompt(prompt);
  const { setting, clues, style, questions } = parsed;
  const write = writeStep(parsed, style);
  const written: string[] = [];
  const writeNew = (steps: readonly Step[]) => {
    for (const step of steps.slice(written.length)) written.push(write(step, shorten(step.facts)));
  };
  const isEnough = (steps: readonly Step[]) => {
    writeNew(steps);
    return shownSteps(written, maxLines).length === maxLines;
  };
  const { steps } = yield* searchDeduction(setting, clues, "plainest", isEnough);
  const phrases = new Phrases(setting, TEMPLATES[style]);
  const queries = questions.map(({ query }) => query);
  writeNew(steps);
  const shown = shownSteps(written, maxLines);
  const isCut = shown.length === maxLines;
  const reached = isCut ? steps.slice(0, (shown.at(-1) ?? 0) + 1) : steps;
  const lines = [
    ...shown.flatMap((index) => written[index] ?? []),
    ...conclusionsOf(setting, queries, reached).map((facts) =>
      facts.map((fact) => withoutStop(phrases.clue(fact))).join("; "),
    ),
  ];
  return `${lines.map((line) => `- ${line}`).join("\n")}\n\n${goldReply(solution)}`;
}

/** Returns the indices of the steps that are written: all, or as many as allowed of those that add to their clues. */
function shownSteps(written: readonly string[], maxLines: number | undefined): number[] {
  const all = [...written.keys()];
  if (maxLines === undefined) return all;
  return all.filter((index) => written[index]?.includes(ARROW) === true).slice(0, maxLines);
}

/** Returns a function that writes a step with some of its facts in a line. */
function writeStep(
  { setting, clues }: Pick<Plot, "setting" | "clues">,
  style: Style,
): (step: Step, facts: readonly Fact[]) => string {
  const phrases = new Phrases(setting, TEMPLATES[style]);
  const sentence = (fact: Fact) => {
    const text = withoutStop(phrases.clue(fact.statement));
    return fact.holds ? text : negate(text);
  };
  return ({ clues: indices, hard }, facts) => {
    const sources = indices.flatMap((index) => {
      const clue = clues[index];
      return clue === undefined ? [] : [withoutStop(phrases.clue(clue))];
    });
    const because = sources.length === 0 ? "The rules" : sources.join(" + ");
    // Do not repeat a clue that itself states the fact.
    const shown = facts.map(sentence).filter((text) => !sources.includes(text));
    const arrow = shown.length === 0 ? "" : `${ARROW}${shown.join("; ")}`;
    return `${hard ? "Supposing the contrary: " : ""}${because}${arrow}`;
  };
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
