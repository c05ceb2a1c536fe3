import { resolve } from "node:path";

import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { type RunConfig, turnsOf } from "@gumshoe/config";
import { type Command } from "commander";

import { type Context } from "../context.js";
import { FileError, NothingScoredError } from "../errors.js";
import { type AnswerSource, type SamplingOptions } from "../eval/answer-source.js";
import { adaptedFolders } from "../model/adapted-model.js";
import { type Continuation, describeEvaluation } from "../eval/describe-evaluation.js";
import { EndpointAnswers } from "../eval/endpoint-answers.js";
import { endpointUrl, withoutSecrets } from "../eval/endpoint-url.js";
import { type EndedEvaluation, evaluate } from "../eval/evaluate.js";
import { type EvaluatedTasks } from "../eval/evaluated-tasks.js";
import { LocalAnswers } from "../eval/local-answers.js";
import { openTasks } from "../eval/open-tasks.js";
import { RepliesFile, type RepliesIdentity } from "../eval/replies-file.js";
import { endpointIdentity, modelIdentity, newRepliesPath } from "../eval/replies-path.js";
import { samplingLimits } from "../eval/sampling-limits.js";
import { loadRunConfig } from "../run/load-config.js";
import { formatReward } from "../terminal/format.js";
import { drawBar, StatusLine } from "../terminal/progress-bar.js";
import { shortPath } from "../terminal/short-path.js";
import { listenForStop } from "../terminal/stop-signal.js";
import { writeResult } from "../terminal/terminal.js";
import { deviceOpener, withDevice } from "./device-option.js";
import {
  type EvalOptions,
  fieldSettings,
  readPrice,
  turnLimits,
  withEvalOptions,
} from "./eval-options.js";
import { defaultHome, withExamples } from "./options.js";

const BAR_WIDTH = 24;
/** Length limit of an answer when nothing else gives one. */
const DEFAULT_MAX_TOKENS = 256;

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
  const tasks = await openTasks(options, config);
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
      onProgress: (done, total, score) => {
        const shown = score === null ? "" : `  score ${formatReward(score)}`;
        status.set(`${drawBar(done / total, BAR_WIDTH)}  ${done}/${total} answers${shown}`);
      },
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

/** Returns the name of the model in results and tables of prices. */
function nameOf({ model, endpoint, endpointModel }: EvalOptions): string {
  return model ?? endpointModel ?? withoutSecrets(endpoint ?? "");
}

/** @throws InvalidArgumentError naming the option */
function samplingOf(
  options: EvalOptions,
  { conversationOf }: Pick<EvaluatedTasks, "conversationOf">,
): SamplingOptions {
  const maxAnswerTokens = options.maxTokens ?? DEFAULT_MAX_TOKENS;
  return {
    samples: options.samples,
    temperature: options.greedy === true ? 0 : (options.temperature ?? 1),
    maxAnswerTokens,
    seed: options.seed,
    limits: samplingLimits(options, maxAnswerTokens),
    ...(conversationOf !== null && { turns: turnLimits(options) }),
  };
}

async function openSource(
  options: EvalOptions,
  context: Context,
  onNotice: (line: string) => void,
): Promise<AnswerSource> {
  const { env, clock } = context;
  if (options.model !== undefined) {
    const chat = { variables: options.template ?? {}, date: options.date ?? null };
    const folders = { folder: options.model, adapter: options.adapter ?? null };
    return LocalAnswers.load(folders, { openDevice: deviceOpener(options, context), chat });
  }
  if (options.endpoint === undefined) {
    throw new InvalidArgumentError("--model", "is missing", {
      suggestion: "give --model FOLDER, --adapter FOLDER or --endpoint URL",
    });
  }
  return new EndpointAnswers({
    endpoint: endpointUrl(options.endpoint),
    model: options.endpointModel ?? null,
    apiKey: readKey(options.apiKeyEnv, env),
    concurrency: options.concurrency,
    timeoutMs: options.timeout * 1000,
    maxWaitMs: options.maxWait * 1000,
    fields: fieldSettings(options),
    env,
    clock,
    random: Math.random,
    onNotice,
  });
}

function readKey(variable: string, env: NodeJS.ProcessEnv): string | null {
  const key = env[variable]?.trim() ?? "";
  if (key === "") return null;
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new InvalidArgumentError(variable, "has characters that no key has, such as spaces");
}

/**
 * Opens the replies file: the named one or, for an endpoint, whose tokens cost money, a new one.
 */
async function openReplies(
  options: EvalOptions,
  setting: {
    tasks: EvaluatedTasks;
    sampling: SamplingOptions;
    context: Context;
    onNotice: (line: string) => void;
  },
): Promise<RepliesFile | null> {
  const { context, onNotice } = setting;
  const { workingFolder, env, clock } = context;
  if (options.replies !== undefined) {
    const path = resolve(workingFolder, options.replies);
    const file = await RepliesFile.open(path, await identityOf(options, setting));
    if (file.answers.length > 0) onNotice(`${file.answers.length} replies are in ${path} already`);
    return file;
  }
  if (options.endpoint === undefined) return null;
  const home = resolve(workingFolder, defaultHome(env));
  try {
    const path = newRepliesPath(home, setting.tasks.name, clock.now());
    return await RepliesFile.open(path, await identityOf(options, setting));
  } catch (thrown) {
    if (!(thrown instanceof FileError)) throw thrown;
    onNotice(`${thrown.message}: replies are not kept; name a file by --replies`);
    return null;
  }
}

function identityOf(
  options: EvalOptions,
  { tasks, sampling }: { tasks: EvaluatedTasks; sampling: SamplingOptions },
): RepliesIdentity | Promise<RepliesIdentity> {
  const { model: folder, adapter = null } = options;
  if (folder !== undefined) return modelIdentity(tasks, sampling, { folder, adapter });
  const { endpoint = "", endpointModel: model = null } = options;
  const fields = fieldSettings(options);
  return endpointIdentity(tasks, sampling, {
    endpoint: endpointUrl(endpoint).shown,
    model,
    fields,
  });
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
