import { meanInterval, type MeanInterval } from "@gumshoe/grpo";
import { grade, type GraderName, type PuzzleRecord } from "@gumshoe/puzzles";

import { type AnswerSource, type SamplingOptions, type SourcedAnswer } from "./answer-source.js";

/** Price of an endpoint's tokens, in US dollars per million. */
export interface TokenPrice {
  readonly prompt: number;
  readonly answer: number;
}

/** What an evaluation found. */
export interface Evaluation {
  readonly cases: number;
  readonly samplesPerCase: number;
  /** Share of right answers, one value per case; null when nothing could be scored. */
  readonly accuracy: MeanInterval | null;
  /** Share of replies with every answer right. */
  readonly allCorrect: MeanInterval | null;
  readonly answers: number;
  /** Answers that could not be got: they count neither as right nor as wrong. */
  readonly failures: number;
  /** One of the reasons; null when there are none. */
  readonly failureExample: string | null;
  /** Answers that the length limit cut off. */
  readonly truncated: number;
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly seconds: number;
  /** US dollars; null without a price. */
  readonly cost: number | null;
}

/** How an evaluation is done. */
export interface EvaluationOptions {
  readonly sampling: SamplingOptions;
  readonly grader: GraderName;
  readonly price: TokenPrice | null;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** Told after every answer. */
  readonly onProgress: (done: number, total: number, meanScore: number | null) => void;
}

/** Lets a source answer every case, and scores the replies. */
export async function evaluate(
  records: readonly PuzzleRecord[],
  source: AnswerSource,
  options: EvaluationOptions,
): Promise<Evaluation> {
  const { sampling, nowMs } = options;
  const startedAtMs = nowMs();
  const tally = new Tally(records, options.grader);
  const total = records.length * sampling.samples;
  const prompts = records.map(({ prompt }) => prompt);
  for await (const answer of source.answer(prompts, sampling, options.signal)) {
    tally.take(answer);
    options.onProgress(tally.numTaken, total, tally.meanScore);
  }
  const { promptTokens, answerTokens } = tally;
  const { price } = options;
  return {
    cases: records.length,
    samplesPerCase: sampling.samples,
    ...tally.summary(),
    seconds: (nowMs() - startedAtMs) / 1000,
    cost:
      price === null
        ? null
        : (promptTokens * price.prompt + answerTokens * price.answer) / 1_000_000,
  };
}

/** Counts and scores answers as they come. */
class Tally {
  promptTokens = 0;
  answerTokens = 0;
  numTaken = 0;
  #numFailures = 0;
  #numTruncated = 0;
  #failureExample: string | null = null;
  readonly #scores: number[][];
  readonly #allCorrect: number[][];

  constructor(
    private readonly records: readonly PuzzleRecord[],
    private readonly grader: GraderName,
  ) {
    this.#scores = records.map(() => []);
    this.#allCorrect = records.map(() => []);
  }

  /** Mean over the answers so far; null before the first. */
  get meanScore(): number | null {
    return mean(this.#scores.flat());
  }

  take({ index, outcome, promptTokens }: SourcedAnswer): void {
    const record = this.records[index];
    this.numTaken++;
    this.promptTokens += promptTokens;
    if (record === undefined) return;
    if (outcome.type === "failure") {
      this.#numFailures++;
      this.#failureExample ??= outcome.reason;
      return;
    }
    const verdict = grade(outcome.reply, record.solution, { grader: this.grader });
    this.#scores[index]?.push(verdict.score);
    this.#allCorrect[index]?.push(verdict.allCorrect ? 1 : 0);
    this.answerTokens += outcome.answerTokens;
    if (outcome.truncated) this.#numTruncated++;
  }

  summary() {
    return {
      accuracy: perCase(this.#scores),
      allCorrect: perCase(this.#allCorrect),
      answers: this.numTaken - this.#numFailures,
      failures: this.#numFailures,
      failureExample: this.#failureExample,
      truncated: this.#numTruncated,
      promptTokens: this.promptTokens,
      answerTokens: this.answerTokens,
    };
  }
}

/** One value per case: answers to one case are not independent of each other. */
function perCase(values: readonly (readonly number[])[]): MeanInterval | null {
  return meanInterval(values.map(mean).filter((value) => value !== null));
}

function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
