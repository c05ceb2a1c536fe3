import { errorMessage } from "@gumshoe/core";
import { type RunConfig, turnsOf } from "@gumshoe/config";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { NothingScoredError } from "../errors.js";
import type { AnswerSource, SamplingOptions } from "../eval/answer-source.js";
import { adaptedFolders } from "../model/adapted-model.js";
import { describeBudgets } from "../eval/describe-budgets.js";
import { type Continuation, describeEvaluation } from "../eval/describe-evaluation.js";
import { withoutSecrets } from "../eval/endpoint-url.js";
import { type EndedEvaluation, evaluate } from "../eval/evaluate.js";
import { openTasks } from "../eval/open-tasks.js";
import type { RepliesFile } from "../eval/replies-file.js";
import { showProgress } from "../eval/show-progress.js";
import { loadRunConfig } from "../run/load-config.js";
import { StatusLine } from "../terminal/progress-bar.js";
import { shortPath } from "../terminal/short-path.js";
import { listenForStop } from "../terminal/stop-signal.js";
import { writeResult } from "../terminal/terminal.js";
import { withDevice } from "./device-option.js";
import { runBudgets } from "./eval-budgets.js";
import { checkThinking, type EvalOptions, readPrice, withEvalOptions } from "./eval-options.js";
import { nameOf, openReplies, openSource, samplingOf } from "./eval-source.js";
import { withExamples } from "./options.js";

/** Adds `gumshoe eval`: evaluates a model or an endpoint on a file of cases. */
export function addEvalCommand(program: Command, context: Context): void {
  const command = program
    .command("eval")
    .description("Let a model, or any OpenAI-compatible endpoint, solve tasks, and grade it.");
  withExamples(
    withEvalOptions(withDevice(command, context)),
    "gumshoe eval --model models/rookie --data cases.json --samples 4",
    "gumshoe eval --tasks runs/first.yaml --model .gumshoe/runs/first/checkpoints/30 --greedy",
    'gumshoe eval --source "{ type: zebra, houses: 3 }" --limit 50 --model models/rookie',
    "gumshoe eval --adapter .gumshoe/runs/lora/checkpoints/24 --data cases.json",
    "gumshoe eval --model models/rookie --data cases.json --thinking-budget 32,64 --thinking-end '\\n\\n'",
    "gumshoe eval --endpoint http://127.0.0.1:8000/v1 --endpoint-model my-model --data cases.json",
  );
  command.action(async (options: EvalOptions) => {
    const words = (program as Command & { rawArgs?: string[] }).rawArgs ?? [];
    await evalCommand(options, { words, context });
  });
}

/** @throws the error that ended the evaluation, after writing its result; NothingScoredError */
async function evalCommand(
  given: EvalOptions,
  { words, context }: { words: readonly string[]; context: Context },
): Promise<void> {
  const config = given.tasks === undefined ? null : loadRunConfig(given.tasks, null);
  const options = await withModel(withConfig(given, config), context);
  checkThinking(options);
  if (options.thinkingBudget !== undefined) {
    await evalBudgets(options, { config, context });
    return;
  }
  const { evaluation, endedBy, file } = await runEvaluation(options, { config, context });
  const isEmpty = evaluation.answers + evaluation.failures === 0;
  if (isEmpty && endedBy !== null) throw endedBy;
  const shown = file === null ? null : shortPath(file, context.workingFolder);
  const continuation =
    shown === null ? null : { file: shown, command: toContinue(words, options, shown) };
  writeResult(context.terminal, options, {
    value: {
      model: nameOf(options),
      ...(options.adapter === undefined ? {} : { adapter: options.adapter }),
      data: options.data ?? options.tasks ?? options.source,
      ...evaluation,
      endedBy: endedBy === null ? null : errorMessage(endedBy),
      replies: file,
    },
    text: () => describe({ evaluation, endedBy }, { options, continuation }),
  });
  if (endedBy !== null) throw endedBy;
  if (evaluation.accuracy === null) {
    throw new NothingScoredError(evaluation.failureExample ?? "there is no task");
  }
}

/** Prints the results under each budget. @throws the error that ended the evaluations; NothingScoredError */
async function evalBudgets(
  options: EvalOptions,
  { config, context }: { config: RunConfig | null; context: Context },
): Promise<void> {
  const { results, endedBy } = await runBudgets(options, { config, context });
  if (results.length === 0 && endedBy !== null) throw endedBy;
  writeResult(context.terminal, options, {
    value: {
      model: nameOf(options),
      ...(options.adapter === undefined ? {} : { adapter: options.adapter }),
      data: options.data ?? options.tasks ?? options.source,
      results,
      endedBy: endedBy === null ? null : errorMessage(endedBy),
    },
    text: () => describeBudgets(results, endedBy),
  });
  if (endedBy !== null) throw endedBy;
  if (results.every(({ accuracy }) => accuracy === null)) {
    throw new NothingScoredError(results[0]?.failureExample ?? "there is no task");
  }
}

function describe(
  { evaluation, endedBy }: EndedEvaluation,
  { options, continuation }: { options: EvalOptions; continuation: Continuation | null },
): string {
  const hasPrice = readPrice(options, nameOf(options)) !== null;
  return describeEvaluation(evaluation, { by: endedBy, hasPrice, continuation });
}

async function runEvaluation(
  options: EvalOptions,
  { config, context }: { config: RunConfig | null; context: Context },
): Promise<EndedEvaluation & { file: string | null }> {
  const { terminal, clock } = context;
  const price = readPrice(options, nameOf(options));
  const status = new StatusLine(terminal);
  const onNotice = (line: string) => status.print(line);
  const tasks = await openTasks(options, { config, context });
  let sampling: SamplingOptions;
  try {
    sampling = samplingOf(options, tasks);
  } catch (thrown) {
    await tasks.close();
    throw thrown;
  }
  let source: AnswerSource | null = null;
  let replies: RepliesFile | null = null;
  const stop = listenForStop(() => undefined);
  try {
    source = await openSource(options, context, onNotice);
    replies = await openReplies(options, { tasks, sampling, context, onNotice });
    const ended = await evaluate(tasks, source, {
      sampling,
      price,
      nowMs: () => clock.monotonicMs(),
      signal: stop.signal,
      kept: replies,
      onProgress: showProgress(status),
    });
    return { ...ended, file: replies?.path ?? null };
  } finally {
    status.clear();
    stop.dispose();
    source?.close();
    await replies?.close({ keepEmpty: options.replies !== undefined });
    await tasks.close();
  }
}

/** Adds what the config of `--tasks` says, where no option says otherwise. */
function withConfig(options: EvalOptions, config: RunConfig | null): EvalOptions {
  if (config === null) return options;
  const { template, date } = config.tasks;
  const isChosen = [options.model, options.adapter, options.endpoint].some(
    (choice) => choice !== undefined,
  );
  return {
    ...(isChosen ? {} : { model: config.model }),
    ...samplingOptionsOf(config),
    // An option that was not given is absent.
    ...options,
    template: { ...template, ...options.template },
    ...(options.date === undefined && date !== null ? { date } : {}),
  };
}

/** Returns the options by which a run's validation samples. */
function samplingOptionsOf(config: RunConfig): Partial<EvalOptions> {
  if (config.type !== "grpo")
    return { maxTokens: config.maxAnswerTokens, ...turnOptionsOf(config) };
  const { temperature, maxAnswerTokens, minAnswerTokens, topK, topP, minP, stop } = config.rollouts;
  return {
    ...turnOptionsOf(config),
    temperature,
    maxTokens: maxAnswerTokens,
    ...(minAnswerTokens === undefined ? {} : { minTokens: minAnswerTokens }),
    ...(topK === undefined ? {} : { topK }),
    ...(topP === undefined ? {} : { topP }),
    ...(minP === undefined ? {} : { minP }),
    ...(stop === undefined ? {} : { stop }),
  };
}

function turnOptionsOf(config: RunConfig): Partial<EvalOptions> {
  const { max: maxTurns, maxTokens: turnTokens } = turnsOf(config) ?? {};
  return {
    ...(maxTurns === undefined ? {} : { maxTurns }),
    ...(turnTokens === undefined ? {} : { turnTokens }),
  };
}

/** Replaces the name of a model by its folder. */
async function withModel(options: EvalOptions, context: Context): Promise<EvalOptions> {
  const isLocal = options.model !== undefined || options.adapter !== undefined;
  return isLocal ? { ...options, model: (await adaptedFolders(options, context)).folder } : options;
}

/**
 * Returns the command that resumes the evaluation: as it was typed, with the replies file, without
 * secrets.
 */
function toContinue(words: readonly string[], options: EvalOptions, file: string): string {
  const kept = words.filter((word, i) => {
    const isOption = word === "--replies" || word.startsWith("--replies=");
    return !isOption && words[i - 1] !== "--replies";
  });
  const shown = kept.map((word) => {
    const { endpoint } = options;
    return endpoint === undefined ? word : word.replace(endpoint, withoutSecrets(endpoint));
  });
  return ["npx gumshoe", ...[...shown, "--replies", file].map(quote)].join(" ");
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
