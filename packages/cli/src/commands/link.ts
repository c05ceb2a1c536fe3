import type { Command } from "commander";

import type { Context } from "../context.js";
import { NoClusterError } from "../errors.js";
import { Home } from "../local/home.js";
import { pageLink } from "../local/page-link.js";
import { shownCommand } from "../terminal/shown-command.js";
import { writeResult } from "../terminal/terminal.js";
import { withExamples, withHome, withJson } from "./options.js";

interface LinkOptions {
  readonly home: string;
  readonly json?: boolean;
}

/** Adds `gumshoe link`: a link to the page of the cluster that runs in a home. */
export function addLinkCommand(program: Command, context: Context): void {
  const command = program
    .command("link")
    .description("Print a link to the page of the cluster of this machine; it logs in once.");
  withJson(withHome(command, context));
  withExamples(command, "gumshoe link");
  command.action(async (options: LinkOptions) => {
    const home = new Home(options.home);
    const cluster = home.runningCluster();
    const page = cluster === null ? null : await pageLink(cluster.http ?? "", home.token());
    if (page === null) throw new NoClusterError(home.folder, shownCommand(context.env, ["up"]));
    writeResult(context.terminal, options, { value: { page }, text: () => page });
  });
}
