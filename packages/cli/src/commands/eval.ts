import { resolve } from "node:path";

import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { type PuzzleRecord } from "@gumshoe/puzzles";
import { type Command } from "commander";

import { type Context } from "../context.js";
import { FileError, NothingScoredError } from "../errors.js";
import { type AnswerSource, type SamplingOptions } from "../eval/answer-source.js";
import { adaptedFolders } from "../model/adapted-model.js";
import { type Continuation, describeEvaluation } from "../eval/describe-evaluation.js";
import { EndpointAnswers } from "../eval/endpoint-answers.js";
import { endpointUrl, withoutSecrets } from "../eval/endpoint-url.js";
import { type EndedEvaluation, evaluate } from "../eval/evaluate.js";
import { LocalAnswers } from "../eval/local-answers.js";
import { RepliesFile, type RepliesIdentity } from "../eval/replies-file.js";
import { endpointIdentity, modelIdentity, newRepliesPath } from "../eval/replies-path.js";
import { samplingLimits } from "../eval/sampling-limits.js";
import { readCases } from "../puzzle/read-cases.js";
import { formatReward } from "../terminal/format.js";
import { drawBar, StatusLine } from "../terminal/progress-bar.js";
import { shortPath } from "../terminal/short-path.js";
import { listenForStop } from "../terminal/stop-signal.js";
import { writeResult } from "../terminal/terminal.js";
import { type EvalOptions, fieldSettings, readPrice, withEvalOptions } from "./eval-options.js";
import { defaultHome, withExamples } from "./options.js";

const BAR_WIDTH = 24;

/** Adds `gumshoe eval`: evaluates a model or an endpoint on a file of cases. */
export function addEvalCommand(program: Command, context: Context): void {
  const command = program
    .command("eval")
    .description("Let a model, or any OpenAI-compatible endpoint, solve a file of cases.");
  withExamples(
    withEvalOptions(command),
    "gumshoe eval --model models/rookie --data cases.json --samples 4",
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
  const isLocal = given.model !== undefined || given.adapter !== undefined;
  const options = isLocal
    ? { ...given, model: (await adaptedFolders(given, context)).folder }
    : given;
  const { evaluation, endedBy, file } = await runEvaluation(options, context);
  const isEmpty = evaluation.answers + evaluation.failures === 0;
  if (isEmpty && endedBy !== null) throw endedBy;
  const shown = file === null ? null : shortPath(file, context.workingFolder);
  const continuation =
    shown === null ? null : { file: shown, command: toContinue(words, options, shown) };
  writeResult(context.terminal, options, {
    value: {
      model: options.model ?? withoutSecrets(options.endpoint ?? ""),
      ...(options.adapter === undefined ? {} : { adapter: options.adapter }),
      data: options.data,
      ...evaluation,
      endedBy: endedBy === null ? null : errorMessage(endedBy),
      replies: file,
    },
    text: () => describe({ evaluation, endedBy }, { options, continuation }),
  });
  if (endedBy !== null) throw endedBy;
  if (evaluation.accuracy === null) {
    throw new NothingScoredError(evaluation.failureExample ?? "the file holds no cases");
  }
}

function describe(
  { evaluation, endedBy }: EndedEvaluation,
  { options, continuation }: { options: EvalOptions; continuation: Continuation | null },
): string {
  const hasPrice = readPrice(options) !== null;
  return describeEvaluation(evaluation, { by: endedBy, hasPrice, continuation });
}

async function runEvaluation(
  options: EvalOptions,
  context: Context,
): Promise<EndedEvaluation & { file: string | null }> {
  const { terminal, clock } = context;
  const all = readCases(options.data);
  const sampling = samplingOf(options);
  const status = new StatusLine(terminal);
  const onNotice = (line: string) => status.print(line);
  const source = await openSource(options, context, onNotice);
  let replies: RepliesFile | null = null;
  const stop = listenForStop(() => undefined);
  try {
    replies = await openReplies(options, { all, sampling, context, onNotice });
    const ended = await evaluate(all.slice(0, options.limit), source, {
      sampling,
      grader: options.grader,
      price: readPrice(options),
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
    source.close();
    await replies?.close({ keepEmpty: options.replies !== undefined });
  }
}

function samplingOf(options: EvalOptions): SamplingOptions {
  return {
    samples: options.samples,
    temperature: options.greedy === true ? 0 : options.temperature,
    maxAnswerTokens: options.maxTokens,
    seed: options.seed,
    limits: samplingLimits(options, options.maxTokens),
  };
}

async function openSource(
  options: EvalOptions,
  { env, clock }: Context,
  onNotice: (line: string) => void,
): Promise<AnswerSource> {
  if (options.model !== undefined) {
    const chat = { variables: options.template ?? {}, date: options.date ?? null };
    const folders = { folder: options.model, adapter: options.adapter ?? null };
    return LocalAnswers.load(folders, { threads: options.threads ?? null, chat });
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
    all: readonly PuzzleRecord[];
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
    const path = newRepliesPath(home, options.data, clock.now());
    return await RepliesFile.open(path, await identityOf(options, setting));
  } catch (thrown) {
    if (!(thrown instanceof FileError)) throw thrown;
    onNotice(`${thrown.message}: replies are not kept; name a file by --replies`);
    return null;
  }
}

function identityOf(
  options: EvalOptions,
  { all, sampling }: { all: readonly PuzzleRecord[]; sampling: SamplingOptions },
): RepliesIdentity | Promise<RepliesIdentity> {
  const { model: folder, adapter = null } = options;
  if (folder !== undefined) return modelIdentity(all, sampling, { folder, adapter });
  const { endpoint = "", endpointModel: model = null } = options;
  const fields = fieldSettings(options);
  return endpointIdentity(all, sampling, { endpoint: endpointUrl(endpoint).shown, model, fields });
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
