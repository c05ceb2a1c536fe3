import type { GumshoeClient } from "@gumshoe/client";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { RunNotDoneError } from "../errors.js";
import { closingLines } from "../run/closing-lines.js";
import type { GivenCommand } from "../run/next-steps.js";
import { followRun } from "../run/follow-run.js";
import { RunView } from "../run/run-view.js";
import { listenForStop } from "../terminal/stop-signal.js";
import { writeResult } from "../terminal/terminal.js";
import { type ConnectionOptions, connectionWords, withClient } from "./connection.js";
import { withConnection, withExamples, withJson } from "./options.js";

interface WatchOptions extends ConnectionOptions {
  readonly json?: boolean;
}

/** Adds `gumshoe watch`: shows a run until it has ended. */
export function addWatchCommand(program: Command, context: Context): void {
  const command = program
    .command("watch")
    .description("Show a run of a running cluster until it has ended. Ctrl-C ends the watch only.")
    .argument("<run>", "name of the run");
  withExamples(withJson(withConnection(command, context)), "gumshoe watch first");
  command.action(async (name: string, options: WatchOptions) => {
    await withClient(options, context, async (client) => {
      const cluster = connectionWords(options, context);
      const given = { kind: "watch", configFile: null, cluster } as const;
      await watchRun(client, name, { ...options, given }, context);
    });
  });
}

/** Shows a run until it has ended, then writes its result. */
export async function watchRun(
  client: GumshoeClient,
  name: string,
  options: { json?: boolean; given: Pick<GivenCommand, "kind" | "configFile" | "cluster"> },
  context: Context,
): Promise<void> {
  const { terminal, clock, workingFolder, env } = context;
  const { config, ahead } = await client.get(name);
  if (config === null) throw new RunNotDoneError(name, "was made by another version of Gumshoe");
  const stop = listenForStop(() => undefined);
  try {
    const view = new RunView(terminal, config, clock.now());
    if (ahead.length > 0) view.print(`queued behind ${ahead.join(", ")}`);
    const result = await followRun(client, name, { view, clock, signal: stop.signal });
    const text = () => closingLines(result, config, { ...options.given, workingFolder, env });
    writeResult(terminal, options, { value: result, text });
  } finally {
    stop.dispose();
  }
}
