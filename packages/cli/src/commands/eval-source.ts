import { resolve } from "node:path";

import { InvalidArgumentError } from "@gumshoe/core";

import type { Context } from "../context.js";
import { FileError } from "../errors.js";
import type { AnswerSource, SamplingOptions } from "../eval/answer-source.js";
import { EndpointAnswers } from "../eval/endpoint-answers.js";
import { endpointUrl, withoutSecrets } from "../eval/endpoint-url.js";
import type { EvaluatedTasks } from "../eval/evaluated-tasks.js";
import { LocalAnswers } from "../eval/local-answers.js";
import { RepliesFile, type RepliesIdentity } from "../eval/replies-file.js";
import { endpointIdentity, modelIdentity, newRepliesPath } from "../eval/replies-path.js";
import { samplingLimits } from "../eval/sampling-limits.js";
import { deviceOpener } from "./device-option.js";
import { type EvalOptions, fieldSettings, turnLimits } from "./eval-options.js";
import { defaultHome } from "./options.js";

/** Length limit of an answer when nothing else gives one. */
const DEFAULT_MAX_TOKENS = 256;

/** Returns the name of the model in results and tables of prices. */
export function nameOf({ model, endpoint, endpointModel }: EvalOptions): string {
  return model ?? endpointModel ?? withoutSecrets(endpoint ?? "");
}

/** Returns how answers are sampled. @throws InvalidArgumentError naming the option */
export function samplingOf(
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

/** Opens what answers the tasks. @throws InvalidArgumentError when neither a model nor an endpoint is named */
export async function openSource(
  options: EvalOptions,
  context: Context,
  onNotice: (line: string) => void,
): Promise<AnswerSource> {
  if (options.model !== undefined) return openModel(options, context);
  if (options.endpoint !== undefined) return openEndpoint(options, context, onNotice);
  throw new InvalidArgumentError("--model", "is missing", {
    suggestion: "give --model FOLDER, --adapter FOLDER or --endpoint URL",
  });
}

/** Loads the model that options name. */
export function openModel(options: EvalOptions, context: Context): Promise<LocalAnswers> {
  const chat = { variables: options.template ?? {}, date: options.date ?? null };
  const folders = { folder: options.model ?? "", adapter: options.adapter ?? null };
  return LocalAnswers.load(folders, { openDevice: deviceOpener(options, context), chat });
}

/** Opens the endpoint that options name. */
export function openEndpoint(
  options: EvalOptions,
  { env, clock }: Context,
  onNotice: (line: string) => void,
): EndpointAnswers {
  return new EndpointAnswers({
    endpoint: endpointUrl(options.endpoint ?? ""),
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
export async function openReplies(
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
