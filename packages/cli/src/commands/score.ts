import type { Command } from "commander";

import type { Context } from "../context.js";
import { type AnswerScore, parseScoreRequests, scoreAnswers } from "../eval/score-answers.js";
import { adaptedFolders } from "../model/adapted-model.js";
import { readUserFile } from "../run/load-config.js";
import { formatTable } from "../terminal/table.js";
import { writeResult } from "../terminal/terminal.js";
import { deviceOpener, withDevice } from "./device-option.js";
import {
  ADAPTER_OPTION,
  isoDate,
  positiveNumber,
  templateVariable,
  wholeNumber,
  withExamples,
  withJson,
} from "./options.js";

interface ScoreOptions {
  readonly model?: string;
  readonly adapter?: string;
  readonly data: string;
  readonly temperature: number;
  readonly device: string;
  readonly threads?: number;
  readonly template?: Readonly<Record<string, unknown>>;
  readonly date?: string;
  readonly json?: boolean;
}

/** Adds `gumshoe score`: computes the log-probs of given answers. */
export function addScoreCommand(program: Command, context: Context): void {
  const command = program
    .command("score")
    .description("Compute the log-prob of every token of given answers.")
    .option("--model <folder>", "model folder, or owner/name[@revision] on the Hugging Face hub")
    .option("--adapter <folder>", ADAPTER_OPTION)
    .requiredOption("--data <file>", 'JSONL of {"prompt", "answer"} or {"promptIds", "answerIds"}')
    .option("--temperature <t>", "logits are divided by it", positiveNumber, 1)
    .option("--threads <n>", "threads; default: all cores", wholeNumber(1, 1024))
    .option("--template <key=value>", "variable of the chat template", templateVariable)
    .option("--date <date>", "current date for the chat template", isoDate);
  withExamples(
    withJson(withDevice(command, context)),
    "gumshoe score --model models/rookie --data answers.jsonl --json",
  );
  command.action(async (options: ScoreOptions) => {
    const requests = parseScoreRequests(readUserFile(options.data));
    const { temperature, template: variables = {}, date = null } = options;
    const openDevice = deviceOpener(options, context);
    const chat = { variables, date };
    const folders = await adaptedFolders(options, context);
    const scores = await scoreAnswers(folders, requests, { temperature, openDevice, chat });
    writeResult(context.terminal, options, {
      value: {
        model: options.model ?? folders.folder,
        ...(folders.adapter === null ? {} : { adapter: folders.adapter }),
        temperature,
        scores,
      },
      text: () => describe(scores),
    });
  });
}

function describe(scores: readonly AnswerScore[]): string {
  const rows = scores.map(({ tokens, sum, mean }, i) => [
    i,
    tokens.length,
    sum.toFixed(4),
    mean.toFixed(4),
  ]);
  return formatTable(["answer", "tokens", "sum of log-probs", "mean"], rows);
}
