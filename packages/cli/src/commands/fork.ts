import type { GumshoeClient, RunInfo } from "@gumshoe/client";
import { type FieldValue, parseRunConfig } from "@gumshoe/config";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { RunNotDoneError } from "../errors.js";
import { shownCommand } from "../terminal/shown-command.js";
import { writeResult } from "../terminal/terminal.js";
import { type NamedCheckpoint, readCheckpointName } from "./checkpoint-name.js";
import { type ConnectionOptions, connectionWords, withClient } from "./connection.js";
import {
  withConnection,
  withExamples,
  withJson,
  withOvercommit,
  withSetFields,
} from "./options.js";
import { watchRun } from "./watch.js";

interface ForkOptions extends ConnectionOptions {
  readonly name: string;
  readonly set?: readonly FieldValue[];
  readonly fresh?: boolean;
  readonly allowOvercommit?: boolean;
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** Adds `gumshoe fork`: continues a run from one of its checkpoints, as a new run. */
export function addForkCommand(program: Command, context: Context): void {
  const command = program
    .command("fork")
    .description(
      "Continue a run from one of its checkpoints as a new run, with other settings or for more iterations. The " +
        "first run stays as it is.",
    )
    .argument("<run>", "NAME, or NAME@best, @latest or @N: the checkpoint; default: the latest")
    .requiredOption("--name <name>", "name of the new run")
    .option(
      "--fresh",
      "remove what an earlier run of this name left; refused while it has not ended",
    )
    .option("--watch", "show the run until it has ended");
  withExamples(
    withJson(withOvercommit(withConnection(withSetFields(command), context))),
    "gumshoe fork first@20 --name first-cool --set rollouts.temperature=0.8",
    "gumshoe fork first --name first-longer --set iterations=60 --watch",
  );
  command.action(async (text: string, options: ForkOptions) => {
    const of = readCheckpointName(text, { field: "run", otherwise: "latest" });
    await withClient(options, context, (client) => forkRun(client, of, options, context));
  });
}

async function forkRun(
  client: GumshoeClient,
  of: NamedCheckpoint,
  options: ForkOptions,
  context: Context,
): Promise<void> {
  const run = await submitFork(client, of, options, context);
  const cluster = connectionWords(options, context);
  if (options.watch === true) {
    const given = { kind: "submit", configFile: null, cluster } as const;
    await watchRun(client, run.name, { ...options, given }, context);
    return;
  }
  const watch = shownCommand(context.env, ["watch", run.name, ...cluster]);
  const { run: from, iterations } = run.forkedFrom ?? { run: of.run, iterations: 0 };
  writeResult(context.terminal, options, {
    value: run,
    text: () =>
      `run ${run.name} continues ${from} after ${iterations} of ${run.iterationsTotal} iterations; follow it by: ${watch}`,
  });
}

/** @throws InvalidArgumentError before anything is sent; RpcError */
async function submitFork(
  client: GumshoeClient,
  of: NamedCheckpoint,
  options: ForkOptions,
  { workingFolder }: Context,
): Promise<RunInfo> {
  const { config } = await client.get(of.run);
  if (config === null) throw new RunNotDoneError(of.run, "was made by another version of Gumshoe");
  const changes = [{ field: "name", value: options.name }, ...(options.set ?? [])];
  return client.submit(parseRunConfig(JSON.stringify(config), { set: changes }), {
    // The paths of the run are absolute; those that are set here start in this folder.
    folder: workingFolder,
    fresh: options.fresh === true,
    allowOvercommit: options.allowOvercommit === true,
    forkOf: of,
  });
}
