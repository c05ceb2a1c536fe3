import { verifyPaths } from "@gumshoe/engine";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { VerificationError } from "../errors.js";
import { formatTable } from "../terminal/table.js";
import { writeResult } from "../terminal/terminal.js";
import { deviceOpener, withDevice } from "./device-option.js";
import { wholeNumber, withExamples, withJson } from "./options.js";

interface VerifyOptions {
  readonly tokenizer?: string;
  readonly device: string;
  readonly threads?: number;
  readonly json?: boolean;
}

/** Adds `gumshoe verify`: compares this build with golden numbers. */
export function addVerifyCommand(program: Command, context: Context): void {
  const command = program
    .command("verify")
    .description("Hold this build, on this machine, to golden numbers of PyTorch and Transformers.")
    .argument(
      "<path...>",
      "model folder with golden.json, folder with encodings.json and chats.json, or algorithm.json",
    )
    .option("--tokenizer <folder>", "tokenizer of a folder with encodings and chats")
    .option("--threads <n>", "threads; default: all cores", wholeNumber(1, 1024));
  withExamples(
    withJson(withDevice(command, context)),
    "gumshoe verify test/golden/qwen2 test/golden/algorithm.json",
    "gumshoe verify test/golden --device cuda:0",
  );
  command.action(async (paths: string[], options: VerifyOptions) => {
    const checks: Check[] = [];
    const { tokenizer } = options;
    const settings = {
      openDevice: deviceOpener(options, context),
      ...(tokenizer === undefined ? {} : { tokenizerDir: tokenizer }),
    };
    for await (const check of verifyPaths(paths, settings)) checks.push(check);
    const failed = checks.filter(({ ok }) => !ok);
    writeResult(context.terminal, options, {
      value: { ok: failed.length === 0, numChecks: checks.length, checks },
      text: () => describe(checks),
    });
    if (failed.length > 0) throw new VerificationError(failed.length, checks.length);
  });
}

type Check = ReturnType<typeof verifyPaths> extends AsyncGenerator<infer T> ? T : never;

function describe(checks: readonly Check[]): string {
  const rows = checks.map((check) => [
    check.path,
    check.case,
    check.output,
    scientific(check.error),
    scientific(check.torchError),
    scientific(check.tolerance),
    check.ok ? "ok" : "FAILED",
  ]);
  const header = ["path", "case", "output", "error", "PyTorch's", "tolerance", ""];
  const numOk = checks.filter(({ ok }) => ok).length;
  return `${formatTable(header, rows)}\n${numOk} of ${checks.length} hold`;
}

function scientific(value: number | null | undefined): string {
  if (value === null || value === undefined) return "";
  return value === 0 ? "0" : value.toExponential(1);
}
