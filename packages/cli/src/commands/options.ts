import type { FieldValue } from "@gumshoe/config";
import { LOG_LEVELS, readVariable } from "@gumshoe/core";
import { MAX_PRIORITY } from "@gumshoe/protocol";
import { type Command, InvalidArgumentError, Option } from "commander";

import type { Context } from "../context.js";

/** Returns a parser of whole numbers from `low` to `high`. */
export function wholeNumber(low: number, high = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= low && value <= high) {
      return value;
    }
    const upTo = high === Number.MAX_SAFE_INTEGER ? "or more" : `to ${high}`;
    throw new InvalidArgumentError(`It must be a whole number, ${low} ${upTo}.`);
  };
}

/** Upper bound of the steps: no deduction is longer. */
const MAX_STEPS = 10_000;

/** Parses a range of steps, both bounds inclusive, such as `5..9`; either may be omitted. */
export function stepRange(text: string): { min: number; max: number } {
  const [, low = "", high = ""] = /^(\d*)\.\.(\d*)$/.exec(text.trim()) ?? [];
  const min = Number(low);
  const max = high === "" ? MAX_STEPS : Number(high);
  const isRange = low !== "" || high !== "";
  if (isRange && Number.isSafeInteger(min) && Number.isSafeInteger(max) && min <= max) {
    return { min, max };
  }
  throw new InvalidArgumentError("It must be a range, such as 5..9, 5.. or ..9.");
}

/** Parses a priority of a run. */
export const priorityNumber = wholeNumber(-MAX_PRIORITY, MAX_PRIORITY);

/** Parses a number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("It must be a number above 0.");
}

/**
 * Parses one `KEY=VALUE` and adds it to the previous ones. A value is JSON or, if it is not valid
 * JSON, text.
 *
 * @param before  variables from earlier occurrences of the option
 */
export function templateVariable(
  text: string,
  before: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const [, name = "", value = ""] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (name === "" || name === "messages" || name === "add_generation_prompt") {
    throw new InvalidArgumentError("It must be KEY=VALUE, such as enable_thinking=false.");
  }
  return { ...before, [name]: parseValue(value) };
}

/** Adds `--set`. */
export function withSetFields(command: Command): Command {
  return command.option(
    "--set <field=value>",
    "a field of the config to change, such as rollouts.perTask=8 (repeatable)",
    configField,
  );
}

/** Parses one `FIELD=VALUE` of a config and adds it to the previous ones; a value is JSON or text. */
export function configField(text: string, before: readonly FieldValue[] = []): FieldValue[] {
  const [, field = "", value = ""] = /^([A-Za-z]\w*(?:\.\w+)*)=(.*)$/s.exec(text) ?? [];
  if (field === "") {
    throw new InvalidArgumentError("It must be FIELD=VALUE, such as rollouts.perTask=8.");
  }
  return [...before, { field, value: parseValue(value) }];
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Parses a date such as `2026-11-28`. */
export function isoDate(text: string): string {
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
  if (isDate && new Date(text).toISOString().startsWith(text)) return text;
  throw new InvalidArgumentError("It must be a date, such as 2026-11-28.");
}

/** Adds `--json`. */
export function withJson(command: Command): Command {
  return command.option("--json", "print one JSON document on stdout; all else goes to stderr");
}

/** Description of the option `--adapter`. */
export const ADAPTER_OPTION =
  "folder of a LoRA adapter of the model, written by a run with lora or by PEFT; default of --model: the base model that it names";

/** The home when neither an option nor a variable names one. */
export const DEFAULT_HOME = ".gumshoe";

/** Returns the home when no option names one. */
export function defaultHome(env: Context["env"]): string {
  return readVariable(env, "GUMSHOE_HOME") ?? DEFAULT_HOME;
}

/** Parses the name of a folder, which must not be empty, as from an unset variable. */
export function folderName(text: string): string {
  if (text.trim() !== "") return text;
  throw new InvalidArgumentError("It must name a folder.");
}

/** Adds `--home`. */
export function withHome(command: Command, { env }: Context): Command {
  const option = new Option("--home <folder>", "folder of runs, logs and secrets");
  return command.addOption(option.default(defaultHome(env)).argParser(folderName));
}

/** Adds `--address`, `--token-file` and `--tls`, which identify a remote cluster. */
export function withConnection(command: Command, context: Context): Command {
  return withHome(command, context)
    .option("--address <host:port>", "the coordinator; default: the cluster that runs in the home")
    .option(
      "--token-file <file>",
      "the cluster's token; default: GUMSHOE_TOKEN[_FILE], or the home's",
    )
    .option(
      "--tls <folder>",
      "certificates made by gumshoe certs; default: GUMSHOE_TLS, or no TLS",
    );
}

/** Adds the options for the size of a local cluster. */
export function withFleetSize(command: Command): Command {
  return command
    .option("--inference <n>", "workers that sample answers", wholeNumber(1, 64), 1)
    .option("--trainers <n>", "workers that compute gradients", wholeNumber(1, 64), 1)
    .option("--reducers <n>", "workers that hold the weights, a range each", wholeNumber(1, 64), 1)
    .option(
      "--threads <n>",
      "threads of each worker (default: the cores, shared among the workers of a role)",
      wholeNumber(1, 1024),
    );
}

/** Returns the device when no option names one. */
export function defaultDevice(env: Context["env"]): string {
  return readVariable(env, "GUMSHOE_DEVICE") ?? "cpu";
}

/** Adds the options of a local cluster: its size and devices, its log, and whether memory is checked. */
export function withFleet(command: Command, { env }: Context): Command {
  const level = new Option("--log-level <level>", "how much the processes write into their logs");
  const devices = new Option(
    "--device <names>",
    "what the workers compute on: cpu; cuda for all GPUs of this machine, in turn; or cuda:0,cuda:2",
  );
  return withOvercommit(withFleetSize(command))
    .addOption(devices.default(defaultDevice(env)))
    .addOption(level.choices(LOG_LEVELS).default("info"));
}

/** Adds `--allow-overcommit`. */
export function withOvercommit(command: Command): Command {
  return command.option(
    "--allow-overcommit",
    "start although the memory does not suffice by the plan; the system may kill processes then",
  );
}

/** Adds examples to a command's help. */
export function withExamples(command: Command, ...lines: string[]): Command {
  const word = lines.length === 1 ? "Example" : "Examples";
  return command.addHelpText(
    "after",
    `\n${word}:\n${lines.map((line) => `  $ ${line}`).join("\n")}`,
  );
}
