import { stdin } from "node:process";
import { createInterface } from "node:readline/promises";

import type { RunInfo } from "@gumshoe/client";
import { InvalidArgumentError } from "@gumshoe/core";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { formatBytes } from "../terminal/format.js";
import { writeResult } from "../terminal/terminal.js";
import { type ConnectionOptions, withClient } from "./connection.js";
import { withConnection, withExamples, withJson } from "./options.js";

interface ForgetOptions extends ConnectionOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Adds `gumshoe forget`: removes a run with all its files. */
export function addForgetCommand(program: Command, context: Context): void {
  const command = program
    .command("forget")
    .description("Remove a run that has ended, with its checkpoints and all its other files.")
    .argument("<run>", "name of the run")
    .option("--yes", "do not ask");
  withExamples(withJson(withConnection(command, context)), "gumshoe forget first --yes");
  command.action(async (name: string, options: ForgetOptions) => {
    await withClient(options, context, async (client) => {
      if (options.yes !== true && !(await confirm(await client.get(name)))) {
        throw new InvalidArgumentError("--yes", `run ${name} stays; --yes removes it unasked`);
      }
      const forgotten = await client.forget(name);
      writeResult(context.terminal, options, {
        value: forgotten,
        text: () => describe(name, forgotten.freedBytes),
      });
    });
  });
}

function describe(name: string, freedBytes: number | null): string {
  const freed = freedBytes === null ? "" : `; ${formatBytes(freedBytes)} are free again`;
  return `run ${name} is removed${freed}`;
}

/** Asks for confirmation on the terminal; without a terminal the answer is no. */
async function confirm({ name, state, iterationsDone }: RunInfo): Promise<boolean> {
  if (!stdin.isTTY) return false;
  const lines = createInterface({ input: stdin, output: process.stderr });
  try {
    const what = `run ${name} (${state}, ${iterationsDone} iterations) and its checkpoints`;
    const answer = await lines.question(`Remove ${what}? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
