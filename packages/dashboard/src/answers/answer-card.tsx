/** One answer of a group: its reward and advantage, its score by question, its text. */
import { type Answer, TextPage, TokenPage } from "@gumshoe/api";

import { groupApi, type GroupPlace } from "../api/paths.js";
import { get } from "../api/request.js";
import { formatCount, formatFixed, formatNumber } from "../figures/format.js";
import { LongText } from "../text/long-text.js";
import { TokenHeat } from "../text/token-heat.js";

const FINISHES: Readonly<Record<string, string>> = {
  length: "cut at the limit",
  "stop-string": "ended by a stop string",
  "early-stop": "stopped as degenerate",
};

/** Draws an answer. With `isHeat` its tokens are shaded by their log-probs. */
export function AnswerCard(props: {
  readonly place: GroupPlace;
  readonly answer: Answer;
  readonly isHeat: boolean;
  readonly words: string;
  /** Stands before the number of the answer, e.g. `greedy`. */
  readonly label?: string;
}) {
  const { answer, isHeat, words, place, label } = props;
  const { index, reward, finish, numTokens, meanLogprob, tokens, text, gradingError } = answer;
  const api = `${groupApi(place)}/${index}`;
  const loadText = async (from: number) => {
    const page = await get(`${api}/text?from=${from}&limit=100000`, TextPage);
    return page.ok ? page.value.text : null;
  };
  const loadTokens = async (from: number) => {
    const page = await get(`${api}/tokens?from=${from}&limit=20000`, TokenPage);
    return page.ok ? page.value : null;
  };
  return (
    <article class="card answer" aria-label={`Answer ${index + 1}`}>
      <header>
        <span class="muted">{label ?? `#${index + 1}`}</span>
        <b class="reward" title="reward">
          {reward === null ? "not scored" : formatFixed(reward)}
        </b>
        <Advantage value={answer.advantage} />
        {FINISHES[finish] !== undefined && <span class="tag warn">{FINISHES[finish]}</span>}
        <span class="end muted" title={`mean log-prob ${formatFixed(meanLogprob, 4)}`}>
          {formatCount(numTokens)} tokens
        </span>
      </header>
      <Questions answer={answer} />
      <div class="body" tabIndex={0} role="group" aria-label={`Text of answer ${index + 1}`}>
        {gradingError !== null && <p class="notice warn">{gradingError}</p>}
        {isHeat && tokens !== null ? (
          <TokenHeat tokens={tokens} load={loadTokens} />
        ) : (
          <LongText text={text} total={answer.numCharacters} load={loadText} words={words} />
        )}
        {text === "" && <p class="muted">An empty answer</p>}
      </div>
    </article>
  );
}

function Advantage({ value }: { readonly value: number | null }) {
  if (value === null) return null;
  const tone = value > 0 ? "up" : value < 0 ? "down" : "";
  return (
    <span class={`advantage ${tone}`} title="advantage">
      {value > 0 && "+"}
      {formatFixed(value, 2)}
    </span>
  );
}

function Questions({ answer: { questions, metrics } }: { readonly answer: Answer }) {
  const figures = Object.entries(metrics);
  if ((questions?.length ?? 0) + figures.length === 0) return null;
  return (
    <ul class="questions">
      {questions?.map(({ question, expected, given, score }) => (
        <li
          key={question}
          class={score >= 1 ? "right" : "wrong"}
          title={`right answer: ${expected}`}
        >
          <span aria-hidden="true">{score >= 1 ? "✓" : "✗"}</span>{" "}
          <span class="hidden-label">{score >= 1 ? "right" : "wrong"}</span>
          {question} <span class="muted">{given ?? "no answer"}</span>
        </li>
      ))}
      {figures.map(([name, value]) => (
        <li key={name}>
          <span class="muted">{name}</span> {formatNumber(value)}
        </li>
      ))}
    </ul>
  );
}
