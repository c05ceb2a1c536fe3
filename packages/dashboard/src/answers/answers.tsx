/** Answers side by side, with their order, their heat and the words that are marked in them. */
import type { Answer } from "@gumshoe/api";
import { useSignal } from "@preact/signals";

import type { GroupPlace } from "../api/paths.js";
import { formatFixed } from "../figures/format.js";
import { HeatLegend } from "../text/token-heat.js";
import { AnswerCard } from "./answer-card.js";

const ORDERS = {
  best: { title: "Best first", sign: -1, value: (answer: Answer) => answer.reward },
  worst: { title: "Worst first", sign: 1, value: (answer: Answer) => answer.reward },
  longest: { title: "Longest first", sign: -1, value: (answer: Answer) => answer.numTokens },
  unlikely: { title: "Least likely first", sign: 1, value: (answer: Answer) => answer.meanLogprob },
  sampled: { title: "As sampled", sign: 1, value: (answer: Answer) => answer.index },
} as const;
type Order = keyof typeof ORDERS;

/** Draws the answers of a group. */
export function Answers(props: {
  readonly place: GroupPlace;
  readonly answers: readonly Answer[];
}) {
  const { place, answers } = props;
  const order = useSignal<Order>("best");
  const isHeat = useSignal(true);
  const words = useSignal("");
  const scored = answers.flatMap(({ reward }) => (reward === null ? [] : [reward]));
  const mean = scored.reduce((sum, reward) => sum + reward, 0) / scored.length;
  return (
    <>
      <div class="section">
        <h2>
          {answers.length} {answers.length === 1 ? "answer" : "answers"}
        </h2>
        <span class="muted">mean reward {formatFixed(mean)}</span>
      </div>
      <div class="toolbar">
        <label class="field">
          Order
          <select
            class="input"
            value={order}
            onChange={(event) => (order.value = event.currentTarget.value as Order)}
          >
            {Object.entries(ORDERS).map(([name, { title }]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <span class="segments" role="group" aria-label="Text">
          <button type="button" aria-pressed={isHeat.value} onClick={() => (isHeat.value = true)}>
            Log-probs
          </button>
          <button type="button" aria-pressed={!isHeat.value} onClick={() => (isHeat.value = false)}>
            Plain
          </button>
        </span>
        {isHeat.value ? (
          <HeatLegend />
        ) : (
          <input
            class="input"
            type="search"
            placeholder="Mark words"
            aria-label="Mark words in the answers"
            value={words}
            onInput={(event) => (words.value = event.currentTarget.value)}
          />
        )}
      </div>
      <div class="answers">
        {sort(answers, order.value).map((answer) => (
          <AnswerCard
            key={answer.index}
            place={place}
            answer={answer}
            isHeat={isHeat.value}
            words={words.value}
          />
        ))}
      </div>
    </>
  );
}

function sort(answers: readonly Answer[], order: Order): Answer[] {
  const { sign, value } = ORDERS[order];
  return [...answers].sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === right) return a.index - b.index;
    if (left === null) return 1;
    if (right === null) return -1;
    return (left - right) * sign;
  });
}
