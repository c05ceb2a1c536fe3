import { InvalidArgumentError } from "@gumshoe/core";
import { parseDataset } from "@gumshoe/puzzles";
import { type Command, Option } from "commander";

import { type Context } from "../context.js";
import { type AnswerSource } from "../eval/answer-source.js";
import { EndpointAnswers } from "../eval/endpoint-answers.js";
import { evaluate, type Evaluation, type TokenPrice } from "../eval/evaluate.js";
import { LocalAnswers } from "../eval/local-answers.js";
import { readUserFile } from "../run/load-config.js";
import { formatCount, formatDuration, formatInterval, formatReward } from "../terminal/format.js";
import { drawBar, StatusLine } from "../terminal/progress-bar.js";
import { listenForStop } from "../terminal/stop-signal.js";
import { writeResult } from "../terminal/terminal.js";
import {
  isoDate,
  positiveNumber,
  templateVariable,
  wholeNumber,
  withExamples,
  withJson,
} from "./options.js";

const BAR_WIDTH = 24;

interface EvalOptions {
  readonly model?: string;
  readonly endpoint?: string;
  readonly endpointModel?: string;
  readonly apiKeyEnv: string;
  readonly data: string;
  readonly samples: number;
  readonly greedy?: boolean;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly limit?: number;
  readonly seed: number;
  readonly grader: "fixed" | "seed";
  readonly threads?: number;
  readonly template?: Readonly<Record<string, unknown>>;
  readonly date?: string;
  readonly concurrency: number;
  readonly promptPrice?: number;
  readonly answerPrice?: number;
  readonly json?: boolean;
}

/** Adds `gumshoe eval`: how well a model or an endpoint solves a file of cases. */
export function addEvalCommand(program: Command, context: Context): void {
  const command = program
    .command("eval")
    .description("Let a model, or any OpenAI-compatible endpoint, solve a file of cases.")
    .addOption(new Option("--model <folder>", "Hugging Face model folder").conflicts("endpoint"))
    .option("--endpoint <url>", "base URL of an endpoint, such as http://127.0.0.1:8000/v1")
    .option("--endpoint-model <name>", "name of the model at the endpoint")
    .option("--api-key-env <variable>", "variable with the endpoint's key", "OPENAI_API_KEY")
    .requiredOption("--data <file>", "cases, JSON array or JSONL")
    .option("--samples <n>", "answers to each case", wholeNumber(1, 1024), 1)
    .option("--greedy", "always the most likely token")
    .option("--temperature <t>", "logits are divided by it", positiveNumber, 1)
    .option("--max-tokens <n>", "tokens after which an answer is cut", wholeNumber(1), 256)
    .option("--limit <n>", "only the first n cases", wholeNumber(1))
    .option("--seed <n>", "decides what is sampled", wholeNumber(0), 1)
    .addOption(
      new Option("--grader <name>", "how replies are read")
        .choices(["fixed", "seed"])
        .default("fixed"),
    )
    .option("--threads <n>", "threads of the model; default: all cores", wholeNumber(1, 1024))
    .option("--template <key=value>", "variable of the chat template", templateVariable)
    .option("--date <date>", "date that the chat template is told", isoDate)
    .option("--concurrency <n>", "requests in flight at the endpoint", wholeNumber(1, 1024), 8)
    .option("--prompt-price <usd>", "of a million prompt tokens", positiveNumber)
    .option("--answer-price <usd>", "of a million answer tokens", positiveNumber);
  withExamples(
    withJson(command),
    "gumshoe eval --model models/rookie --data cases.json --samples 4",
    "gumshoe eval --endpoint http://127.0.0.1:8000/v1 --endpoint-model my-model --data cases.json",
  );
  command.action(async (options: EvalOptions) => {
    const evaluation = await runEvaluation(options, context);
    writeResult(context.terminal, options, {
      value: { model: options.model ?? options.endpoint, data: options.data, ...evaluation },
      text: () => describe(evaluation),
    });
  });
}

async function runEvaluation(options: EvalOptions, context: Context): Promise<Evaluation> {
  const { terminal, clock } = context;
  const records = parseDataset(readUserFile(options.data)).slice(0, options.limit);
  const source = await openSource(options, context);
  const status = new StatusLine(terminal);
  const stop = listenForStop(() => undefined);
  try {
    return await evaluate(records, source, {
      sampling: {
        samples: options.samples,
        temperature: options.greedy === true ? 0 : options.temperature,
        maxAnswerTokens: options.maxTokens,
        seed: options.seed,
      },
      grader: options.grader,
      price: readPrice(options),
      nowMs: () => clock.monotonicMs(),
      signal: stop.signal,
      onProgress: (done, total, score) => {
        const shown = score === null ? "" : `  score ${formatReward(score)}`;
        status.set(`${drawBar(done / total, BAR_WIDTH)}  ${done}/${total} answers${shown}`);
      },
    });
  } finally {
    status.clear();
    stop.dispose();
    source.close();
  }
}

async function openSource(options: EvalOptions, { env, clock }: Context): Promise<AnswerSource> {
  if (options.model !== undefined) {
    const chat = { variables: options.template ?? {}, date: options.date ?? null };
    return LocalAnswers.load(options.model, { threads: options.threads ?? null, chat });
  }
  if (options.endpoint === undefined) {
    throw new InvalidArgumentError("--model", "is missing", {
      suggestion: "give --model FOLDER or --endpoint URL",
    });
  }
  if (!URL.canParse(options.endpoint)) {
    throw new InvalidArgumentError("--endpoint", `${options.endpoint} is not a URL`);
  }
  return new EndpointAnswers({
    url: options.endpoint,
    model: options.endpointModel ?? null,
    apiKey: env[options.apiKeyEnv] ?? null,
    concurrency: options.concurrency,
    clock,
  });
}

function readPrice({ promptPrice, answerPrice }: EvalOptions): TokenPrice | null {
  if (promptPrice === undefined && answerPrice === undefined) return null;
  return { prompt: promptPrice ?? 0, answer: answerPrice ?? 0 };
}

function describe(evaluation: Evaluation): string {
  const { accuracy, allCorrect, failures, failureExample, cost } = evaluation;
  const { answers, truncated, promptTokens, answerTokens, seconds } = evaluation;
  const lines = [
    accuracy === null || allCorrect === null
      ? "accuracy     nothing could be scored"
      : `accuracy     ${formatReward(accuracy.mean)} (95 %: ${formatInterval(accuracy)}), ` +
        `${accuracy.count} cases; everything right in ${formatReward(allCorrect.mean)}`,
    `answers      ${formatCount(answers)}, ${truncated} cut off by the length limit`,
    `tokens       ${formatCount(promptTokens)} read, ${formatCount(answerTokens)} written`,
    `time         ${formatDuration(seconds)}`,
  ];
  if (failures > 0) lines.push(`not scored   ${failures} (for example: ${failureExample})`);
  if (cost !== null) lines.push(`cost         ${cost.toFixed(4)} USD`);
  return lines.join("\n");
}
