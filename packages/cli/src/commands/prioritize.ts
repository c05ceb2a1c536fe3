import type { Command } from "commander";

import type { Context } from "../context.js";
import { writeResult } from "../terminal/terminal.js";
import { type ConnectionOptions, withClient } from "./connection.js";
import { priorityNumber, withConnection, withExamples, withJson } from "./options.js";

interface PrioritizeOptions extends ConnectionOptions {
  readonly json?: boolean;
}

/** Adds `gumshoe prioritize`: changes when a run uses the workers. */
export function addPrioritizeCommand(program: Command, context: Context): void {
  const command = program
    .command("prioritize")
    .description(
      "Change the priority of a run. Runs of a higher priority run first; those of the same priority share the workers in time slices.",
    )
    .argument("<run>", "name of the run")
    .argument("<priority>", "from -100 to 100; 0 by default", priorityNumber);
  withExamples(withJson(withConnection(command, context)), "gumshoe prioritize first 10");
  command.action(async (name: string, priority: number, options: PrioritizeOptions) => {
    await withClient(options, context, async (client) => {
      const run = await client.prioritize(name, priority);
      const place = run.ahead.length === 0 ? run.state : `queued behind ${run.ahead.join(", ")}`;
      writeResult(context.terminal, options, {
        value: run,
        text: () => `run ${run.name} has priority ${run.priority}, and is ${place}`,
      });
    });
  });
}
