import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Formats a gumshoe command as it can be typed here, with npx if gumshoe is not on the PATH. */
export function shownCommand(env: NodeJS.ProcessEnv, words: readonly string[]): string {
  const program = isOnPath(env) ? "gumshoe" : "npx gumshoe";
  return [program, ...words.map(quoted)].join(" ");
}

/** Quotes a word for a shell. */
function quoted(word: string): string {
  return /^[\w./@:+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * Ignores the entries that npx and npm prepend to the PATH: the user's own shell does not have
 * them.
 */
function isOnPath(env: NodeJS.ProcessEnv): boolean {
  const folders = (env["PATH"] ?? "").split(delimiter);
  return folders.some((folder) => {
    if (folder === "" || folder.includes("node_modules")) return false;
    try {
      accessSync(join(folder, "gumshoe"), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
