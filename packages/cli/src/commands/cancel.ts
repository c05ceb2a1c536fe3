import type { Command } from "commander";

import type { Context } from "../context.js";
import { writeResult } from "../terminal/terminal.js";
import { type ConnectionOptions, withClient } from "./connection.js";
import { withConnection, withExamples, withJson } from "./options.js";

interface CancelOptions extends ConnectionOptions {
  readonly json?: boolean;
}

/** Adds `gumshoe cancel`: stops a run. */
export function addCancelCommand(program: Command, context: Context): void {
  const command = program
    .command("cancel")
    .description("Stop a run after the job in flight; submitting it again continues it.")
    .argument("<run>", "name of the run");
  withExamples(withJson(withConnection(command, context)), "gumshoe cancel first");
  command.action(async (name: string, options: CancelOptions) => {
    await withClient(options, context, async (client) => {
      const run = await client.cancel(name);
      writeResult(context.terminal, options, {
        value: run,
        text: () =>
          `run ${run.name} is ${run.state} after ${run.iterationsDone} of ` +
          `${run.iterationsTotal} iterations`,
      });
    });
  });
}
