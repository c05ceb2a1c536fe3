import type { TurnsConfig } from "@gumshoe/config";
import { InvalidArgumentError } from "@gumshoe/core";
import { type Command, InvalidArgumentError as InvalidOptionError, Option } from "commander";

import { Prices, PRICES_OPTION } from "../eval/prices.js";
import type { FieldSettings } from "../eval/request-fields.js";
import { type LimitOptions, withLimitOptions } from "../eval/sampling-limits.js";
import type { TokenPrice } from "../eval/tally.js";
import type { ThinkingOptions } from "../eval/thinking-marks.js";
import { readJsonFile } from "../run/read-json-file.js";
import {
  ADAPTER_OPTION,
  isoDate,
  positiveNumber,
  templateVariable,
  wholeNumber,
  withJson,
} from "./options.js";

/** The options of `gumshoe eval`. */
export interface EvalOptions extends LimitOptions, ThinkingOptions {
  readonly thinkingBudget?: readonly number[];
  readonly thinkingField?: string;
  readonly model?: string;
  readonly adapter?: string;
  readonly endpoint?: string;
  readonly endpointModel?: string;
  readonly apiKeyEnv: string;
  readonly data?: string;
  readonly tasks?: string;
  readonly source?: string;
  readonly samples: number;
  readonly greedy?: boolean;
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly maxTurns?: number;
  readonly turnTokens?: number;
  readonly limit?: number;
  readonly seed: number;
  readonly grader?: "fixed" | "seed";
  readonly device: string;
  readonly threads?: number;
  readonly template?: Readonly<Record<string, unknown>>;
  readonly date?: string;
  readonly concurrency: number;
  readonly timeout: number;
  readonly maxWait: number;
  readonly maxTokensField: string;
  readonly omit: readonly string[];
  readonly extra: Readonly<Record<string, unknown>>;
  readonly replies?: string;
  readonly promptPrice?: number;
  readonly answerPrice?: number;
  readonly prices?: string;
  readonly json?: boolean;
}

/** Request fields that the evaluation sets itself, or that change the shape of the reply. */
const OWN_FIELDS = ["messages", "model", "n", "stream", "stream_options"];

/** Adds the options of `gumshoe eval`. */
export function withEvalOptions(command: Command): Command {
  command
    .addOption(
      new Option(
        "--model <folder>",
        "model folder, or owner/name[@revision] on the Hugging Face hub",
      ).conflicts("endpoint"),
    )
    .addOption(new Option("--adapter <folder>", ADAPTER_OPTION).conflicts("endpoint"))
    .option("--endpoint <url>", "base URL of an endpoint, such as http://127.0.0.1:8000/v1")
    .option("--endpoint-model <name>", "name of the model at the endpoint")
    .option("--api-key-env <variable>", "variable with the endpoint's key", "OPENAI_API_KEY")
    .option("--data <file>", "cases, JSON array or JSONL")
    .option(
      "--tasks <config>",
      "a run config: its validation tasks, with its grader, sampling and template; without " +
        "--model and --endpoint, the model that it starts from",
    )
    .option("--source <yaml>", 'a source of tasks as in a run config, such as "{ type: zebra }"')
    .option("--samples <n>", "answers to each task", wholeNumber(1, 1024), 1)
    .option("--greedy", "always the most likely token")
    .option(
      "--temperature <t>",
      "logits are divided by it; default: that of --tasks, or 1",
      positiveNumber,
    )
    .option(
      "--max-tokens <n>",
      "tokens after which an answer is cut; default: that of --tasks, or 256",
      wholeNumber(1),
    )
    .option(
      "--max-turns <n>",
      "turns after which an answer ends, for modules with step(); default: that of --tasks",
      wholeNumber(1, 1024),
    )
    .option(
      "--turn-tokens <n>",
      "tokens after which a turn is cut; default: that of --tasks, or none",
      wholeNumber(1),
    )
    .option(
      "--limit <n>",
      "only the first n tasks; default: all, and 100 of an endless source",
      wholeNumber(1),
    )
    .option("--seed <n>", "decides what is sampled", wholeNumber(0), 1)
    .addOption(
      new Option(
        "--grader <name>",
        "how replies are read; default: that of --tasks, or fixed",
      ).choices(["fixed", "seed"]),
    )
    .option("--threads <n>", "threads of the model; default: all cores", wholeNumber(1, 1024))
    .option("--template <key=value>", "variable of the chat template", templateVariable)
    .option("--date <date>", "current date for the chat template", isoDate)
    .option(
      "--replies <file>",
      "JSONL that keeps every reply as it comes; an evaluation that was interrupted goes on from it",
    );
  return withJson(withEndpointOptions(withThinkingOptions(withLimitOptions(command))));
}

function withThinkingOptions(command: Command): Command {
  return command
    .option(
      "--thinking-budget <n,...>",
      "tokens after which the thinking is ended, and the model answers; a row for each of several",
      budgets,
    )
    .option(
      "--thinking-end <text>",
      "text that ends the thinking, \\n is a line break; default: </think>, if the tokenizer has that token",
      withLineBreaks,
    )
    .option(
      "--thinking-start <text>",
      "text that begins it, so that other answers are not cut; default: <think> for </think>",
      withLineBreaks,
    )
    .option(
      "--thinking-close <text>",
      "text that is written behind the budget; default: that of --thinking-end",
      withLineBreaks,
    )
    .option("--thinking-field <name>", "field of an endpoint's requests that carries the budget");
}

function withEndpointOptions(command: Command): Command {
  return command
    .option("--concurrency <n>", "requests in flight at the endpoint", wholeNumber(1, 1024), 8)
    .option("--timeout <s>", "seconds that a reply of the endpoint may take", positiveNumber, 600)
    .option(
      "--max-wait <s>",
      "seconds that a request may be put off by 429, 503 and lost connections",
      positiveNumber,
      600,
    )
    .option("--max-tokens-field <name>", "field that carries the length limit", "max_tokens")
    .option(
      "--omit <field>",
      "leave a field out of the requests, such as temperature or seed; may be repeated",
      (field: string, before: readonly string[]) => [...before, field],
      [],
    )
    .option("--extra <json>", "further fields of the requests, a JSON object", readExtra, {})
    .option("--prompt-price <usd>", "of a million prompt tokens", positiveNumber)
    .option("--answer-price <usd>", "of a million answer tokens", positiveNumber)
    .option("--prices <file>", PRICES_OPTION);
}

/** Returns the limits of answers of several turns. @throws InvalidArgumentError naming the option */
export function turnLimits({ maxTurns, turnTokens, endpoint }: EvalOptions): TurnsConfig {
  if (endpoint !== undefined) {
    const problem = "cannot be asked tasks of several turns, which this source has";
    throw new InvalidArgumentError("--endpoint", problem, { suggestion: "--model FOLDER" });
  }
  if (maxTurns === undefined) {
    const problem = "is missing: the module has step(), so an answer may have several turns";
    throw new InvalidArgumentError("--max-turns", problem, { suggestion: "--max-turns 4" });
  }
  return { max: maxTurns, ...(turnTokens === undefined ? {} : { maxTokens: turnTokens }) };
}

/** Checks that the options of thinking fit each other, and what answers. @throws InvalidArgumentError naming the option */
export function checkThinking(options: EvalOptions): void {
  const { thinkingBudget, thinkingField, thinkingStart, thinkingEnd, thinkingClose } = options;
  const marks = { start: thinkingStart, end: thinkingEnd, close: thinkingClose };
  const isEndpoint = options.endpoint !== undefined;
  const refuse = (option: string, problem: string, suggestion?: string): never => {
    throw new InvalidArgumentError(option, problem, suggestion === undefined ? {} : { suggestion });
  };
  const mark = Object.entries(marks).find(([, text]) => text !== undefined);
  if (mark?.[1] === "") refuse(`--thinking-${mark[0]}`, "is empty");
  if (thinkingBudget === undefined) {
    if (mark !== undefined) refuse(`--thinking-${mark[0]}`, "needs --thinking-budget");
    if (thinkingField !== undefined) refuse("--thinking-field", "needs --thinking-budget");
    return;
  }
  if (isEndpoint && mark !== undefined) {
    const problem = "is for --model: an endpoint ends the thinking by itself";
    refuse(`--thinking-${mark[0]}`, problem, "--thinking-field NAME");
  }
  if (isEndpoint && thinkingField === undefined) {
    const problem =
      "is missing: only the endpoint can end its model's thinking, and the field for it differs";
    refuse(
      "--thinking-field",
      problem,
      "--thinking-field thinking_budget, or reasoning.max_tokens",
    );
  }
  if (!isEndpoint && thinkingField !== undefined) {
    refuse("--thinking-field", "is for --endpoint", "--thinking-end TEXT");
  }
  if (options.replies === undefined) return;
  if (!isEndpoint)
    refuse("--replies", "keeps no replies under a budget of a model in this process");
  if (thinkingBudget.length > 1) {
    refuse("--replies", "keeps the replies of one budget", "name one --thinking-budget");
  }
}

/** Returns the options of an endpoint with a budget in the field for it. @throws InvalidArgumentError */
export function withBudgetField(options: EvalOptions, budget: number): EvalOptions {
  const path = (options.thinkingField ?? "").split(".");
  const [first = ""] = path;
  if (path.includes("") || OWN_FIELDS.includes(first)) {
    throw new InvalidArgumentError("--thinking-field", `cannot be ${options.thinkingField}`);
  }
  if (path.length === 1 && first in options.extra) {
    throw new InvalidArgumentError("--thinking-field", `${first} is in --extra, too`);
  }
  const extra = withField(options.extra, path, budget);
  return { ...options, extra };
}

function withField(
  object: Readonly<Record<string, unknown>>,
  [first = "", ...rest]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  if (rest.length === 0) return { ...object, [first]: value };
  const inner = object[first];
  const isObject = typeof inner === "object" && inner !== null && !Array.isArray(inner);
  return {
    ...object,
    [first]: withField(isObject ? (inner as Record<string, unknown>) : {}, rest, value),
  };
}

/** Returns the settings for the fields of requests. @throws InvalidArgumentError */
export function fieldSettings(options: EvalOptions): FieldSettings {
  const { maxTokensField: limitField, omit: omitted, extra } = options;
  if (omitted.includes("messages"))
    throw new InvalidArgumentError("--omit", "messages must be sent");
  const sent = ["model", "temperature", limitField, "seed"];
  const unknown = omitted.find((field) => !sent.includes(field));
  if (unknown !== undefined) {
    const problem = `${unknown} is not sent; sent are ${sent.join(", ")}`;
    throw new InvalidArgumentError("--omit", problem);
  }
  return { limitField, omitted, extra };
}

/**
 * Returns US dollars per million tokens; null when no price is given.
 *
 * @param name  of the model in the table of prices
 * @throws      InvalidArgumentError when the table has no such model
 */
export function readPrice(options: EvalOptions, name: string): TokenPrice | null {
  const { promptPrice, answerPrice, prices } = options;
  if (promptPrice !== undefined || answerPrice !== undefined) {
    return { prompt: promptPrice ?? 0, answer: answerPrice ?? 0 };
  }
  if (prices === undefined) return null;
  const table = readJsonFile(prices, Prices);
  const price = table[name];
  if (price !== undefined) return { prompt: price.prompt, answer: price.answer };
  throw new InvalidArgumentError("--prices", `${prices} has no entry "${name}"`, {
    suggestion: `it has ${Object.keys(table).join(", ") || "none"}`,
  });
}

/** Reads a text in which \n is a line break, which not every shell can write. */
function withLineBreaks(text: string): string {
  return text.replaceAll("\\n", "\n");
}

/** Parses budgets, as `64,256,1024`; returns them in ascending order, each once. */
function budgets(text: string): number[] {
  const read = wholeNumber(1, 10_000_000);
  return [...new Set(text.split(",").map(read))].sort((a, b) => a - b);
}

function readExtra(text: string): Record<string, unknown> {
  let value: unknown = null;
  try {
    value = JSON.parse(text);
  } catch {
    // Reported below, like a value of another type.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidOptionError('It must be a JSON object, such as {"top_p": 0.9}.');
  }
  const own = OWN_FIELDS.find((field) => field in value);
  if (own !== undefined) throw new InvalidOptionError(`It cannot change ${own}.`);
  return value as Record<string, unknown>;
}
