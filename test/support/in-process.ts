import { runCommandLine } from "@gumshoe/cli";
import { systemClock } from "@gumshoe/core";

/** The output and exit code of a command. */
export interface Written {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a built `gumshoe` command in this process, without a terminal. */
export async function gumshoe(workingFolder: string, ...words: string[]): Promise<Written> {
  let [out, err] = ["", ""];
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    isScreen: false,
    columns: 100,
  };
  const env = { PATH: process.env["PATH"] };
  const code = await runCommandLine(words, { terminal, env, clock: systemClock, workingFolder });
  return { code, out, err };
}
