import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Writes a gumshoe command as it can be typed here: by npx where gumshoe is not on the PATH. */
export function shownCommand(env: NodeJS.ProcessEnv, words: readonly string[]): string {
  const program = isOnPath(env) ? "gumshoe" : "npx gumshoe";
  return [program, ...words.map(quoted)].join(" ");
}

/** Writes a word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w./@:+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The entries that npx and npm put in front of the PATH are not there in the user's own shell. */
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
