import { InvalidArgumentError, isAddress, LOG_LEVELS } from "@gumshoe/core";
import { isLoopback } from "@gumshoe/rpc";
import { SERVER_LIMITS } from "@gumshoe/serve";
import { type Command, Option } from "commander";

import type { Context } from "../context.js";
import type { ModelSourceOptions } from "../serve/model-source.js";
import {
  ADAPTER_OPTION,
  defaultDevice,
  isoDate,
  positiveNumber,
  templateVariable,
  wholeNumber,
  withHome,
  withJson,
} from "./options.js";

/** The options of `gumshoe serve`. */
export interface ServeOptions extends ModelSourceOptions {
  readonly listen: string;
  readonly name?: string;
  /** False for `--no-key`. */
  readonly key: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly device: string;
  readonly threads?: number;
  readonly kvCacheTokens?: number;
  readonly maxTokens: number;
  readonly maxOpen: number;
  readonly rate?: number;
  readonly maxBody: number;
  readonly timeout: number;
  readonly every: number;
  readonly template?: Readonly<Record<string, unknown>>;
  readonly date?: string;
  readonly logLevel: string;
  readonly json?: boolean;
}

/** The variable with the API key, or with `_FILE` the file that holds it. */
export const KEY_VARIABLE = "GUMSHOE_SERVE_KEY";

const MIB = 1024 * 1024;

/** Adds the options of `gumshoe serve`. */
export function withServeOptions(command: Command, context: Context): Command {
  const level = new Option("--log-level <level>", "how much is logged on stderr");
  const { maxAnswerTokens, maxOpenRequests, maxBodyBytes, timeoutMs } = SERVER_LIMITS;
  command
    .option("--model <folder>", "model folder, or owner/name[@revision] on the Hugging Face hub")
    .option("--adapter <folder>", ADAPTER_OPTION)
    .option(
      "--run <name[@which]>",
      "checkpoint of a run in the home: best (the default), latest, or an iteration; a better or newer one is loaded when it is there",
    )
    .option("--listen <host:port>", "address; a port of 0 for any free one", "127.0.0.1:8000")
    .option("--name <name>", "name of the model in requests; default: of the folder or the run")
    .option(
      "--no-key",
      "take requests without an API key, on loopback only; otherwise GUMSHOE_SERVE_KEY[_FILE] has it, or one is made",
    )
    .option(
      "--tls-cert <file>",
      "certificate for HTTPS, with those between it and its authority (PEM)",
    )
    .option("--tls-key <file>", "key of the certificate (PEM)")
    .option(
      "--device <names>",
      "what computes: cpu; cuda for all GPUs; or cuda:0,cuda:2",
      defaultDevice(context.env),
    )
    .option("--threads <n>", "threads of the CPU; default: all cores", wholeNumber(1, 1024))
    .option(
      "--kv-cache-tokens <n>",
      "positions of the cache of keys and values; default: 65,536, or what half the free memory holds",
      wholeNumber(16),
    )
    .option("--max-tokens <n>", "most tokens of an answer", wholeNumber(1), maxAnswerTokens)
    .option(
      "--max-open <n>",
      "requests that are open at a time; further ones are answered with 429",
      wholeNumber(1, 100_000),
      maxOpenRequests,
    )
    .option("--rate <n>", "requests of each address in a minute; default: no limit", wholeNumber(1))
    .option("--max-body <mib>", "largest body of a request", positiveNumber, maxBodyBytes / MIB)
    .option("--timeout <s>", "seconds that a request may take", positiveNumber, timeoutMs / 1000)
    .option("--every <s>", "seconds between looks for a better checkpoint", positiveNumber, 5)
    .option("--template <key=value>", "variable of the chat template", templateVariable)
    .option("--date <date>", "current date for the chat template", isoDate)
    .addOption(level.choices(LOG_LEVELS).default("warn"));
  return withJson(withHome(command, context));
}

/** Returns the limits of the server. */
export function limitsOf({ maxTokens, maxOpen, rate, maxBody, timeout }: ServeOptions) {
  return {
    maxAnswerTokens: maxTokens,
    maxOpenRequests: maxOpen,
    requestsPerMinute: rate ?? null,
    maxBodyBytes: Math.ceil(maxBody * MIB),
    timeoutMs: timeout * 1000,
  };
}

/** Checks the address. @throws InvalidArgumentError */
export function checkAddress({ listen, key }: ServeOptions): void {
  if (!isAddress(listen, 0)) {
    const problem = `${listen} is not host:port, such as 127.0.0.1:8000`;
    throw new InvalidArgumentError("--listen", problem);
  }
  const host = listen.slice(0, listen.lastIndexOf(":"));
  if (key || isLoopback(host)) return;
  const problem = `is for this machine only, and ${host} is reached from others`;
  throw new InvalidArgumentError("--no-key", problem, {
    suggestion: "leave it out, or --listen 127.0.0.1:8000",
  });
}
