import type { GumshoeClient, RunInfo } from "@gumshoe/client";
import { readVariable } from "@gumshoe/core";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { settleConfig } from "../hub/settle-config.js";
import { loadRunConfig, moveConfig } from "../run/load-config.js";
import { shownCommand } from "../terminal/shown-command.js";
import { writeResult } from "../terminal/terminal.js";
import { type ConnectionOptions, connectionWords, withClient } from "./connection.js";
import {
  priorityNumber,
  withConnection,
  withExamples,
  withJson,
  withOvercommit,
} from "./options.js";
import { watchRun } from "./watch.js";

interface SubmitOptions extends ConnectionOptions {
  readonly name?: string;
  readonly fresh?: boolean;
  readonly allowOvercommit?: boolean;
  readonly watch?: boolean;
  readonly remoteFolder?: string;
  readonly priority?: number;
  readonly json?: boolean;
}

/**
 * Submits a config file.
 *
 * @throws InvalidArgumentError, FileError and ConfigFileError before anything is sent; RpcError
 */
export async function submitFile(
  client: GumshoeClient,
  file: string,
  options: SubmitOptions,
  context: Context,
): Promise<RunInfo> {
  const local = loadRunConfig(file, options.name ?? null);
  const moved =
    options.remoteFolder === undefined
      ? local
      : moveConfig(local, { from: context.workingFolder, to: options.remoteFolder });
  const runs = options.fresh === true ? [] : await client.list();
  const known = runs.find(({ name }) => name === moved.name)?.config ?? null;
  // A cluster that another machine may be of has a cache of its own.
  const address = options.address ?? readVariable(context.env, "GUMSHOE_ADDRESS");
  const isHere = (address ?? null) === null && options.remoteFolder === undefined;
  const words = ["submit", file, ...connectionWords(options, context)];
  const again = shownCommand(context.env, words);
  const config = await settleConfig(moved, { known, isHere, again }, context);
  return client.submit(config, {
    fresh: options.fresh === true,
    allowOvercommit: options.allowOvercommit === true,
    ...(options.priority === undefined ? {} : { priority: options.priority }),
  });
}

/** Adds `gumshoe submit`: submits a run to a running cluster. */
export function addSubmitCommand(program: Command, context: Context): void {
  const command = program
    .command("submit")
    .description("Submit a run to a running cluster, or continue the run of that name.")
    .argument("<config>", "run config, YAML or JSON")
    .option("--name <name>", "name of the run; default: the config's, or its file name")
    .option(
      "--remote-folder <folder>",
      "the working directory as the cluster sees it, where it has another place there",
    )
    .option(
      "--fresh",
      "remove what an earlier run of this name left, and begin anew; refused while that run has not ended",
    )
    .option(
      "--priority <n>",
      "runs of a higher priority run first, from -100 to 100; default: 0",
      priorityNumber,
    )
    .option("--watch", "show the run until it has ended");
  withExamples(
    withJson(withOvercommit(withConnection(command, context))),
    "gumshoe submit runs/first.yaml --watch",
  );
  command.action(async (file: string, options: SubmitOptions) => {
    await withClient(options, context, async (client) => {
      const run = await submitFile(client, file, options, context);
      const cluster = connectionWords(options, context);
      const watch = shownCommand(context.env, ["watch", run.name, ...cluster]);
      const { ahead } = run;
      const state = ahead.length === 0 ? run.state : `queued behind ${ahead.join(", ")}`;
      if (options.watch === true) {
        const given = { kind: "submit", configFile: file, cluster } as const;
        await watchRun(client, run.name, { ...options, given }, context);
        return;
      }
      writeResult(context.terminal, options, {
        value: run,
        text: () => `run ${run.name} is ${state}; follow it by: ${watch}`,
      });
    });
  });
}
