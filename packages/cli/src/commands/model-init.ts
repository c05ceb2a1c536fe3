import { jsonProblem } from "@gumshoe/core";
import { type Command, InvalidArgumentError, Option } from "commander";

import type { Context } from "../context.js";
import { FileError } from "../errors.js";
import { FAMILIES, makeModel } from "../model/new-model.js";
import { readUserFile } from "../run/load-config.js";
import { formatCount } from "../terminal/format.js";
import { writeResult } from "../terminal/terminal.js";
import { folderName, wholeNumber, withExamples, withJson } from "./options.js";

interface InitOptions {
  readonly tokenizer: string;
  readonly out: string;
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly like?: string;
  readonly family?: (typeof FAMILIES)[number];
  readonly seed: number;
  readonly json?: boolean;
}

/** Fields of a published `config.json` that say how it was saved, and not what the model is. */
const NOT_SHAPE = [
  "_name_or_path",
  "transformers_version",
  "architectures",
  "dtype",
  "torch_dtype",
  "eos_token_id",
  "bos_token_id",
  "pad_token_id",
];

/** Adds `gumshoe model init`: a model of any shape with random weights. */
export function addModelInitCommand(model: Command, context: Context): void {
  const command = model
    .command("init")
    .description(
      "Make a model folder with random float32 weights and the tokenizer of another folder.",
    )
    .requiredOption(
      "--tokenizer <folder>",
      "model folder that the tokenizer is taken from",
      folderName,
    )
    .requiredOption("--out <folder>", "folder to make", folderName)
    .option(
      "--shape <key=value,...>",
      "fields of config.json by their Hugging Face names, such as hidden_size=64,num_hidden_layers=2",
      readShape,
    )
    .option("--like <file>", "config.json whose shape is taken; --shape comes before it")
    .addOption(
      new Option("--family <name>", "architecture; default: that of --like, or qwen2").choices(
        FAMILIES,
      ),
    )
    .option("--seed <n>", "decides the weights", wholeNumber(0), 1);
  withExamples(
    withJson(command),
    "gumshoe model init --tokenizer models/rookie --out mine/small --shape " +
      "hidden_size=64,intermediate_size=192,num_hidden_layers=2,num_attention_heads=4,num_key_value_heads=2",
  );
  command.action(async (options: InitOptions) => {
    const like = options.like === undefined ? {} : readLike(options.like);
    const known = FAMILIES.find((one) => one === like["model_type"]);
    const family = options.family ?? known ?? "qwen2";
    const shape = { ...like, ...options.shape, model_type: family };
    const { tokenizer, out, seed } = options;
    const parameters = await makeModel({ out, tokenizer, family, shape, seed });
    writeResult(context.terminal, options, {
      value: { folder: out, family, parameters, seed },
      text: () =>
        `${out}: a new ${family} model of ${formatCount(parameters)} parameters, random weights of seed ${seed}`,
    });
  });
}

function readLike(file: string): Record<string, unknown> {
  const json = parseObject(file, readUserFile(file));
  return Object.fromEntries(Object.entries(json).filter(([name]) => !NOT_SHAPE.includes(name)));
}

/** @throws FileError */
function parseObject(file: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new FileError(file, jsonProblem(thrown), thrown);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new FileError(file, "must be a JSON object, such as a model's config.json");
}

function readShape(text: string): Record<string, unknown> {
  const fields = text.split(",").map((field) => /^\s*([a-z_]+)=(\S+)\s*$/.exec(field));
  if (fields.some((field) => field === null))
    throw new InvalidArgumentError("It must be key=value,key=value.");
  return Object.fromEntries(fields.map((field) => [field?.[1] ?? "", readValue(field?.[2] ?? "")]));
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
