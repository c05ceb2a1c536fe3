import { errorMessage } from "@gumshoe/core";
import { meanInterval, type MeanInterval } from "@gumshoe/grpo";
import { grade, type GraderName, type PuzzleRecord } from "@gumshoe/puzzles";

import { type AnswerSource, type SamplingOptions, type SourcedAnswer } from "./answer-source.js";

/** Price of an endpoint's tokens, in US dollars per million. */
export interface TokenPrice {
  readonly prompt: number;
  readonly answer: number;
}

/** A reason why answers could not be scored, with their number. */
export interface NotScored {
  readonly reason: string;
  readonly count: number;
}

/** The result of an evaluation. */
export interface Evaluation {
  readonly cases: number;
  readonly samplesPerCase: number;
  /** Mean score, one value per case; null when nothing could be scored. */
  readonly accuracy: MeanInterval | null;
  /** Share of replies with every answer right. */
  readonly allCorrect: MeanInterval | null;
  /** Number of requested answers: cases times samples. */
  readonly wanted: number;
  /** Whether it ended before all answers were requested: the means cover a part only. */
  readonly partial: boolean;
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
  readonly seconds: number;
  /** US dollars; null without a price, or when a reply had no token counts. */
  readonly cost: number | null;
}

/** An evaluation, and the error that ended it early; null if it is complete. */
export interface EndedEvaluation {
  readonly evaluation: Evaluation;
  readonly endedBy: Error | null;
}

/** Storage of answers, from which an interrupted evaluation resumes. */
export interface KeptAnswers {
  /** The answers of the earlier evaluation. */
  readonly answers: readonly SourcedAnswer[];
  /** Resolves when the answer is on disk. */
  keep(answer: SourcedAnswer): Promise<void>;
}

/** Options of an evaluation. */
export interface EvaluationOptions {
  readonly sampling: SamplingOptions;
  readonly grader: GraderName;
  readonly price: TokenPrice | null;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** Called after every answer. */
  readonly onProgress: (done: number, total: number, meanScore: number | null) => void;
  /** Null to store none. */
  readonly kept: KeptAnswers | null;
}

/**
 * Requests answers to all cases and scores them; an error that ends it early is returned with the
 * result so far.
 */
export async function evaluate(
  records: readonly PuzzleRecord[],
  source: AnswerSource,
  options: EvaluationOptions,
): Promise<EndedEvaluation> {
  const { sampling, nowMs, kept } = options;
  const startedAtMs = nowMs();
  const tally = new Tally(records, options.grader);
  const wanted = records.length * sampling.samples;
  const known = new Set<string>();
  for (const answer of kept?.answers ?? []) {
    const key = `${answer.index}/${answer.sample}`;
    const isWanted = answer.index < records.length && answer.sample < sampling.samples;
    if (!isWanted || known.has(key)) continue;
    known.add(key);
    tally.take(answer);
  }
  const questions = {
    prompts: records.map(({ prompt }) => prompt),
    isKnown: (index: number, sample: number) => known.has(`${index}/${sample}`),
  };
  let endedBy: Error | null = null;
  try {
    if (known.size > 0) options.onProgress(tally.numTaken, wanted, tally.meanScore);
    for await (const answer of source.answer(questions, sampling, options.signal)) {
      await kept?.keep(answer);
      tally.take(answer);
      options.onProgress(tally.numTaken, wanted, tally.meanScore);
    }
  } catch (thrown) {
    endedBy = thrown instanceof Error ? thrown : new Error(errorMessage(thrown));
  }
  const evaluation = {
    cases: records.length,
    samplesPerCase: sampling.samples,
    wanted,
    partial: tally.numTaken < wanted,
    ...tally.summary(),
    seconds: (nowMs() - startedAtMs) / 1000,
    cost: tally.cost(options.price),
  };
  return { evaluation, endedBy };
}

/** Counts and scores answers as they arrive. */
class Tally {
  numTaken = 0;
  #promptTokens = 0;
  #answerTokens = 0;
  #numWithoutCounts = 0;
  #numFailures = 0;
  #numTruncated = 0;
  #numEmpty = 0;
  #numRefused = 0;
  readonly #reasons = new Map<string, number>();
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

  take({ index, outcome, tokens }: SourcedAnswer): void {
    const record = this.records[index];
    if (record === undefined) return;
    this.numTaken++;
    const wasPaid = outcome.type === "answer" || outcome.isPaid;
    if (tokens === null && wasPaid) this.#numWithoutCounts++;
    this.#promptTokens += tokens?.prompt ?? 0;
    this.#answerTokens += tokens?.answer ?? 0;
    if (outcome.type === "failure") {
      this.#numFailures++;
      this.#reasons.set(outcome.reason, (this.#reasons.get(outcome.reason) ?? 0) + 1);
      return;
    }
    const verdict = grade(outcome.reply, record.solution, { grader: this.grader });
    this.#scores[index]?.push(verdict.score);
    this.#allCorrect[index]?.push(verdict.allCorrect ? 1 : 0);
    if (outcome.finish === "length") this.#numTruncated++;
    if (outcome.finish === "refusal") this.#numRefused++;
    if (outcome.reply.trim() === "") this.#numEmpty++;
  }

  /** Returns US dollars; null when they are unknown. */
  cost(price: TokenPrice | null): number | null {
    if (price === null || this.#numWithoutCounts > 0) return null;
    return (this.#promptTokens * price.prompt + this.#answerTokens * price.answer) / 1_000_000;
  }

  summary() {
    const reasons = [...this.#reasons].map(([reason, count]) => ({ reason, count }));
    return {
      accuracy: perCase(this.#scores),
      allCorrect: perCase(this.#allCorrect),
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
}

/** Averages over cases first, because answers to one case are not independent of each other. */
function perCase(values: readonly (readonly number[])[]): MeanInterval | null {
  return meanInterval(values.map(mean).filter((value) => value !== null));
}

function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
