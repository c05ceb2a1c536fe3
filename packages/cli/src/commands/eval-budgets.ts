import type { RunConfig } from "@gumshoe/config";

import type { Context } from "../context.js";
import type { AnswerSource, SamplingOptions } from "../eval/answer-source.js";
import { BudgetedAnswers, WholeAnswers } from "../eval/budgeted-answers.js";
import { checkOneTurn, checkRoom } from "../eval/check-budgets.js";
import { type BudgetResult, budgetResult } from "../eval/describe-budgets.js";
import { evaluate } from "../eval/evaluate.js";
import type { EvaluatedTasks } from "../eval/evaluated-tasks.js";
import { openTasks } from "../eval/open-tasks.js";
import type { RepliesFile } from "../eval/replies-file.js";
import { showProgress } from "../eval/show-progress.js";
import { thinkingMarks } from "../eval/thinking-marks.js";
import { StatusLine } from "../terminal/progress-bar.js";
import { listenForStop } from "../terminal/stop-signal.js";
import { type EvalOptions, readPrice, withBudgetField } from "./eval-options.js";
import { nameOf, openEndpoint, openModel, openReplies, samplingOf } from "./eval-source.js";

/** What answers under one budget. */
interface BudgetSource {
  /** In tokens; null without a budget. */
  readonly budget: number | null;
  readonly source: AnswerSource;
  readonly replies: RepliesFile | null;
  /** Answers that the budget has cut; null where that is not known. */
  readonly numCut: () => number | null;
  readonly close: () => Promise<void>;
}

/** The results under the budgets that were begun, and the error that ended the last one; null if all are complete. */
export interface EndedBudgets {
  readonly results: readonly BudgetResult[];
  readonly endedBy: Error | null;
}

/**
 * Evaluates a model or an endpoint under each budget of thinking. Of a model in this process the answers without a budget
 * come last: they are known by then.
 *
 * @throws InvalidArgumentError naming the option
 */
export async function runBudgets(
  options: EvalOptions,
  { config, context }: { config: RunConfig | null; context: Context },
): Promise<EndedBudgets> {
  const { terminal, clock } = context;
  const status = new StatusLine(terminal);
  const stop = listenForStop(() => undefined);
  const tasks = await openTasks(options, { config, context });
  const results: BudgetResult[] = [];
  try {
    checkOneTurn(tasks);
    const sampling = samplingOf(options, tasks);
    const price = readPrice(options, nameOf(options));
    const given = {
      options,
      context,
      tasks,
      sampling,
      onNotice: (line: string) => status.print(line),
    };
    for await (const { budget, source, replies, numCut, close } of sourcesOf(given)) {
      const label = budget === null ? "no budget" : `budget ${budget}`;
      const { evaluation, endedBy } = await evaluate(tasks, source, {
        sampling,
        price,
        nowMs: () => clock.monotonicMs(),
        signal: stop.signal,
        kept: replies,
        onProgress: showProgress(status, `${label}  `),
      }).finally(close);
      const of = { thinkingBudget: budget, numCut: numCut(), replies: replies?.path ?? null };
      if (evaluation.answers + evaluation.failures > 0) results.push(budgetResult(evaluation, of));
      if (endedBy !== null) return { results, endedBy };
    }
    return { results, endedBy: null };
  } finally {
    status.clear();
    stop.dispose();
    await tasks.close();
  }
}

interface Given {
  readonly options: EvalOptions;
  readonly context: Context;
  readonly tasks: EvaluatedTasks;
  readonly sampling: SamplingOptions;
  readonly onNotice: (line: string) => void;
}

function sourcesOf(given: Given): AsyncGenerator<BudgetSource> {
  return given.options.endpoint === undefined ? modelSources(given) : endpointSources(given);
}

async function* modelSources({ options, context, sampling }: Given): AsyncGenerator<BudgetSource> {
  const budgets = options.thinkingBudget ?? [];
  const model = await openModel(options, context);
  try {
    const { loaded } = model;
    const marks = thinkingMarks(options, loaded.tokenizer);
    checkRoom(budgets, sampling, loaded.tokenizer.encode(marks.close).length);
    const whole = new WholeAnswers(loaded);
    for (const budget of [...budgets, null]) {
      const source = new BudgetedAnswers(loaded, { whole, marks, budget });
      const numCut = () => source.numCut;
      yield { budget, source, replies: null, numCut, close: async () => undefined };
    }
  } finally {
    model.close();
  }
}

async function* endpointSources(given: Given): AsyncGenerator<BudgetSource> {
  const { context, onNotice } = given;
  for (const budget of given.options.thinkingBudget ?? []) {
    const options = withBudgetField(given.options, budget);
    const source = openEndpoint(options, context, onNotice);
    const replies = await openReplies(options, given);
    const close = async () => {
      source.close();
      await replies?.close({ keepEmpty: options.replies !== undefined });
    };
    yield { budget, source, replies, numCut: () => null, close };
  }
}
