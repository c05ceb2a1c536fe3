/**
 * The commands that README.md, docs/*.md and the examples' READMEs contain: lines of `sh` blocks,
 * and lines after `$` in blocks that show output. Comments are dropped; continued lines and loops
 * are one command.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "./gumshoe.js";

/** A command of a page. */
export interface DocumentedCommand {
  /** E.g. `docs/client.md`. */
  readonly page: string;
  readonly command: string;
  /** The output shown on the page, with `...` for omissions; null for a block without output. */
  readonly output: string | null;
}

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  readonly language: string;
  readonly text: string;
  /** The text between the previous block and this one. */
  readonly before: string;
}

/** The pages, the README first. */
export const PAGES: readonly string[] = [
  "README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => `docs/${name}`),
  ...readdirSync(join(ROOT, "examples"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `examples/${name}/README.md`)
    .sort(),
];

/** The fenced blocks of a page, in order, without the indentation of a list. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let end = 0;
  const text = readFileSync(join(ROOT, page), "utf8");
  for (const match of text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm)) {
    const [whole, indent = "", language = "", content = ""] = match;
    const unindented = content.replaceAll(new RegExp(`^${indent}`, "gm"), "");
    blocks.push({ page, language, text: unindented, before: text.slice(end, match.index) });
    end = match.index + whole.length;
  }
  return blocks;
}

/** The commands of a page, in order. */
export function commandsOf(page: string): DocumentedCommand[] {
  return blocksOf(page).flatMap(({ language, text }): DocumentedCommand[] => {
    if (language === "sh") {
      return shellCommands(text).map((command) => ({ page, command, output: null }));
    }
    if (language !== "") return [];
    const [, ...parts] = `\n${text}`.split("\n$ ");
    return parts.map((part) => {
      const [command = "", ...output] = part.split("\n");
      return { page, command, output: output.join("\n") };
    });
  });
}

function shellCommands(text: string): string[] {
  const commands: string[] = [];
  let open = "";
  for (const line of text.replaceAll("\\\n", " ").split("\n")) {
    const command = line.replace(/(^|\s+)#\s.*$/, "").trim();
    if (command === "") continue;
    open = open === "" ? command : `${open}\n${command}`;
    if (open.startsWith("for ") && command !== "done") continue;
    commands.push(open.replaceAll(/ {2,}/g, " "));
    open = "";
  }
  return commands;
}
