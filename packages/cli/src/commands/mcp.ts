import { once } from "node:events";

import type { Command } from "commander";

import type { Context } from "../context.js";
import { listenForStop } from "../terminal/stop-signal.js";
import type { ConnectionOptions } from "./connection.js";
import { withConnection, withExamples } from "./options.js";

interface McpOptions extends ConnectionOptions {
  readonly allowChanges?: boolean;
}

/** Adds `gumshoe mcp`: the cluster as tools of a coding agent. */
export function addMcpCommand(program: Command, context: Context & { version: string }): void {
  const command = program
    .command("mcp")
    .description(
      "Serve the cluster to a coding agent by the Model Context Protocol, on stdin and stdout: plan, status, metrics, " +
        "answers; with --allow-changes, also submit and cancel.",
    )
    .option("--allow-changes", "let the agent submit and cancel runs");
  withExamples(
    withConnection(command, context),
    "gumshoe mcp",
    "claude mcp add gumshoe -- npx gumshoe mcp",
  );
  command.action(async (options: McpOptions) => {
    const { version, terminal } = context;
    // No other command needs these modules.
    const [{ createMcpServer }, { serveStdio }] = await Promise.all([
      import("../mcp/mcp-server.js"),
      import("@modelcontextprotocol/server/stdio"),
    ]);
    const allowChanges = options.allowChanges === true;
    const setting = { connection: options, context, version, allowChanges };
    const stop = listenForStop(() => undefined);
    const server = serveStdio(() => createMcpServer(setting), {
      onerror: (error) => terminal.err(`gumshoe: ${error.message}\n`),
    });
    try {
      if (process.stdin.isTTY) {
        terminal.err(
          "an agent starts this command and talks to it: see docs/agents.md; Ctrl-C ends it\n",
        );
      }
      const stopped = new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
      await Promise.race([once(process.stdin, "end"), once(process.stdin, "close"), stopped]);
    } finally {
      stop.dispose();
      await server.close();
    }
  });
}
