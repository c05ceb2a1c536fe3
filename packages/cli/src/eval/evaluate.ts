import { errorMessage } from "@gumshoe/core";

import type { AnswerSource, SamplingOptions, SourcedAnswer } from "./answer-source.js";
import type { EvaluatedTasks } from "./evaluated-tasks.js";
import { Tally, type TallySummary, type TokenPrice } from "./tally.js";

/** The result of an evaluation. */
export interface Evaluation extends TallySummary {
  /** Number of tasks. */
  readonly cases: number;
  readonly samplesPerCase: number;
  /** Mean reward of guessing; null if it is not known. */
  readonly guessing: number | null;
  /** Number of requested answers: tasks times samples. */
  readonly wanted: number;
  /** Whether it ended before all answers were requested: the means cover a part only. */
  readonly partial: boolean;
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
  readonly price: TokenPrice | null;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** Called after every answer. */
  readonly onProgress: (done: number, total: number, meanScore: number | null) => void;
  /** Null to store none. */
  readonly kept: KeptAnswers | null;
}

/**
 * Requests answers to all tasks and grades them; an error that ends it early is returned with the
 * result so far.
 */
export async function evaluate(
  tasks: EvaluatedTasks,
  source: AnswerSource,
  options: EvaluationOptions,
): Promise<EndedEvaluation> {
  const { sampling, nowMs, kept } = options;
  const { messages } = tasks;
  const startedAtMs = nowMs();
  const tally = new Tally(tasks, sampling.samples);
  const wanted = messages.length * sampling.samples;
  const known = new Set<string>();
  let endedBy: Error | null = null;
  try {
    for (const answer of kept?.answers ?? []) {
      const key = `${answer.index}/${answer.sample}`;
      const isWanted = answer.index < messages.length && answer.sample < sampling.samples;
      if (!isWanted || known.has(key)) continue;
      known.add(key);
      await tally.take(answer);
    }
    const questions = {
      messages,
      isKnown: (index: number, sample: number) => known.has(`${index}/${sample}`),
      conversationOf: tasks.conversationOf,
    };
    if (known.size > 0) options.onProgress(tally.numTaken, wanted, tally.meanScore);
    for await (const answer of source.answer(questions, sampling, options.signal)) {
      await kept?.keep(answer);
      await tally.take(answer);
      options.onProgress(tally.numTaken, wanted, tally.meanScore);
    }
  } catch (thrown) {
    endedBy = thrown instanceof Error ? thrown : new Error(errorMessage(thrown));
  }
  const evaluation = {
    cases: messages.length,
    samplesPerCase: sampling.samples,
    guessing: tasks.guessing,
    wanted,
    partial: tally.numTaken < wanted,
    ...(await tally.summary()),
    seconds: (nowMs() - startedAtMs) / 1000,
    cost: tally.cost(options.price),
  };
  return { evaluation, endedBy };
}
