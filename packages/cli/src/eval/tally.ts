import { meanInterval, type MeanInterval } from "@gumshoe/grpo";

import type { SourcedAnswer } from "./answer-source.js";
import type { EvaluatedTasks } from "./evaluated-tasks.js";
import { severalAnswers, type SeveralAnswers } from "./several-answers.js";

/** Price of a model's tokens, in US dollars per million. */
export interface TokenPrice {
  readonly prompt: number;
  readonly answer: number;
}

/** A reason why answers could not be scored, with their number. */
export interface NotScored {
  readonly reason: string;
  readonly count: number;
}

/** What answers add up to. */
export interface TallySummary {
  /** Mean reward, one value per task; null when nothing could be scored. */
  readonly accuracy: MeanInterval | null;
  /** Share of replies with every answer right; null when the environment does not say. */
  readonly allCorrect: MeanInterval | null;
  /** Means of the environment's metrics, one value per task, by name. */
  readonly metrics: Readonly<Record<string, MeanInterval>>;
  /** What the best of several answers achieves; empty with one answer to each task. */
  readonly several: readonly SeveralAnswers[];
  /** Reward of the answer that most answers to a task agree on; null when there is none. */
  readonly majority: MeanInterval | null;
  /** Number of scored answers. */
  readonly answers: number;
  /** Number of answers that could not be obtained or scored: neither right nor wrong. */
  readonly failures: number;
  /** One of the reasons; null when there are none. */
  readonly failureExample: string | null;
  /** All reasons, the most frequent first. */
  readonly notScored: readonly NotScored[];
  /** Answers that the length limit cut off: scored as they are. */
  readonly truncated: number;
  /** Number of answers without text, e.g. truncated during the model's reasoning. */
  readonly empty: number;
  /** Number of answers in which the model declined. */
  readonly refused: number;
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** Number of replies without token counts, which are in neither sum. */
  readonly repliesWithoutCounts: number;
}

/** Fewest answers whose majority differs from the first of them. */
const FEWEST_VOTES = 3;

/** Counts and grades answers as they arrive. */
export class Tally {
  numTaken = 0;
  #promptTokens = 0;
  #answerTokens = 0;
  #numWithoutCounts = 0;
  #numFailures = 0;
  #numTruncated = 0;
  #numEmpty = 0;
  #numRefused = 0;
  readonly #reasons = new Map<string, number>();
  readonly #rewards: number[][];
  /** Replies with their sample, by task: a vote counts them in that order. */
  readonly #replies: { readonly sample: number; readonly reply: string }[][];
  /** Values of each metric, by task. */
  readonly #metrics = new Map<string, number[][]>();

  constructor(
    private readonly tasks: EvaluatedTasks,
    private readonly samples: number,
  ) {
    this.#rewards = tasks.messages.map(() => []);
    this.#replies = tasks.messages.map(() => []);
  }

  /** Mean over the answers so far; null before the first. */
  get meanScore(): number | null {
    return mean(this.#rewards.flat());
  }

  async take({ index, sample, outcome, tokens }: SourcedAnswer): Promise<void> {
    if (index >= this.#rewards.length) return;
    this.numTaken++;
    const wasPaid = outcome.type === "answer" || outcome.isPaid;
    if (tokens === null && wasPaid) this.#numWithoutCounts++;
    this.#promptTokens += tokens?.prompt ?? 0;
    this.#answerTokens += tokens?.answer ?? 0;
    if (outcome.type === "failure") return this.#fail(outcome.reason);
    const { reply, finish } = outcome;
    const verdict = outcome.grade ?? (await this.tasks.grade(index, reply));
    if (verdict.reward === null) return this.#fail(`not graded: ${verdict.reason}`);
    this.#rewards[index]?.push(verdict.reward);
    if (this.#votes) this.#replies[index]?.push({ sample, reply });
    for (const [name, value] of Object.entries(verdict.metrics)) this.#note(name, index, value);
    if (finish === "length") this.#numTruncated++;
    if (finish === "refusal") this.#numRefused++;
    if (reply.trim() === "") this.#numEmpty++;
  }

  /** Returns US dollars; null when they are unknown. */
  cost(price: TokenPrice | null): number | null {
    if (price === null || this.#numWithoutCounts > 0) return null;
    return (this.#promptTokens * price.prompt + this.#answerTokens * price.answer) / 1_000_000;
  }

  async summary(): Promise<TallySummary> {
    const reasons = [...this.#reasons].map(([reason, count]) => ({ reason, count }));
    const metrics = [...this.#metrics].flatMap(([name, values]): [string, MeanInterval][] => {
      const found = perTask(values);
      return found === null ? [] : [[name, found]];
    });
    return {
      accuracy: perTask(this.#rewards),
      allCorrect: perTask(this.#metrics.get("allCorrect") ?? []),
      metrics: Object.fromEntries(metrics.filter(([name]) => name !== "allCorrect")),
      several: this.samples > 1 ? severalAnswers(this.#rewards, this.samples) : [],
      majority: await this.#majority(),
      answers: this.numTaken - this.#numFailures,
      failures: this.#numFailures,
      failureExample: reasons[0]?.reason ?? null,
      notScored: reasons.sort((a, b) => b.count - a.count),
      truncated: this.#numTruncated,
      empty: this.#numEmpty,
      refused: this.#numRefused,
      promptTokens: this.#promptTokens,
      answerTokens: this.#answerTokens,
      repliesWithoutCounts: this.#numWithoutCounts,
    };
  }

  get #votes(): boolean {
    return this.samples >= FEWEST_VOTES && this.tasks.vote !== null;
  }

  #fail(reason: string): void {
    this.#numFailures++;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
  }

  #note(name: string, index: number, value: number): void {
    const values = this.#metrics.get(name) ?? this.#rewards.map(() => []);
    values[index]?.push(value);
    this.#metrics.set(name, values);
  }

  /** Grades the majority's answer to every task with enough replies. */
  async #majority(): Promise<MeanInterval | null> {
    const { vote } = this.tasks;
    if (vote === null) return null;
    const rewards: number[] = [];
    for (const [index, unsorted] of this.#replies.entries()) {
      if (unsorted.length < FEWEST_VOTES) continue;
      const replies = [...unsorted].sort((a, b) => a.sample - b.sample);
      const voted = await vote(
        index,
        replies.map(({ reply }) => reply),
      );
      const { reward } = await this.tasks.grade(index, voted);
      if (reward !== null) rewards.push(reward);
    }
    return meanInterval(rewards);
  }
}

/** Averages over tasks first, because answers to one task are not independent of each other. */
function perTask(values: readonly (readonly number[])[]): MeanInterval | null {
  return meanInterval(values.map(mean).filter((value) => value !== null));
}

function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
