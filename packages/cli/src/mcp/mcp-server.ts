import { ClusterError, errorMessage, printable } from "@gumshoe/core";
import { type CallToolResult, McpServer } from "@modelcontextprotocol/server";

import { TOOLS, type Tool, type ToolSetting } from "./tools.js";

/** Settings of an MCP server. */
export interface McpSettings extends ToolSetting {
  readonly version: string;
  /** Whether tools that change something are offered. */
  readonly allowChanges: boolean;
}

/** Makes an MCP server with the tools of a cluster. */
export function createMcpServer({ version, allowChanges, ...setting }: McpSettings): McpServer {
  const server = new McpServer({ name: "gumshoe", version });
  for (const tool of TOOLS.filter(({ isReadOnly }) => isReadOnly || allowChanges)) {
    const { name, title, description, input: inputSchema, isReadOnly } = tool;
    const annotations = {
      readOnlyHint: isReadOnly,
      destructiveHint: !isReadOnly,
      openWorldHint: false,
    };
    server.registerTool(name, { title, description, inputSchema, annotations }, (input) =>
      callTool(tool, input, setting),
    );
  }
  return server;
}

/** Calls a tool; an error is a result that the agent reads, with its code and field. */
async function callTool(
  tool: Tool,
  input: Readonly<Record<string, unknown>>,
  setting: ToolSetting,
): Promise<CallToolResult> {
  try {
    return { content: [textOf(await tool.call(input, setting))] };
  } catch (thrown) {
    const isOurs = thrown instanceof ClusterError;
    const { code, details } = isOurs ? thrown : { code: "INTERNAL", details: {} };
    return { isError: true, content: [textOf({ code, message: errorMessage(thrown), details })] };
  }
}

function textOf(value: unknown): { type: "text"; text: string } {
  return { type: "text", text: printable(JSON.stringify(value, null, 1)) };
}
